import { join } from 'node:path'

/**
 * For threads and programs that tests start: they take modules compiled before, instead of stripping types
 * again.
 */
export const COMPILED_MODULES: { NODE_COMPILE_CACHE: string } = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled-modules'),
}
