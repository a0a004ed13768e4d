import type { Database } from '@telegram-backup/database'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { openCatalog } from '@telegram-backup/engine/wiring.ts'

let opened: Promise<Database> | undefined

/**
 * The catalog for calls without one: opened at first use, then shared. It does not keep the program running.
 * If it cannot be opened, the next call tries again.
 */
export function defaultCatalog(): Promise<Database> {
  opened ??= openCatalog(readConfig()).catch((error: unknown) => {
    opened = undefined
    throw error
  })
  return opened
}
