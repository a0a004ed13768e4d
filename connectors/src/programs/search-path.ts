import { isAbsolute } from 'node:path'

/** Where a system without settings looks; an empty PATH would mean the working folder. */
const DEFAULT_FOLDERS = '/usr/bin:/bin'

/**
 * The folders of PATH in which programs may be looked for. A relative or empty entry is left out: it means the folder in which
 * somebody works just now, and what lies there gets no right to run because of its name.
 */
export function searchPath({ PATH = '' }: { PATH?: string | undefined }): string {
  return PATH.split(':').filter(isAbsolute).join(':') || DEFAULT_FOLDERS
}
