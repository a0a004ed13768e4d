import type { Database } from '@telegram-backup/database'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { openCatalog } from '@telegram-backup/engine/wiring.ts'

let opened: Promise<Database> | undefined

/**
 * The catalog of a program that passes none: opened at first use and shared; it closes itself when the program has
 * nothing left to do. A failure to open is not kept, so the next call tries again.
 */
export function defaultCatalog(): Promise<Database> {
  opened ??= openCatalog(readConfig()).catch((error: unknown) => {
    opened = undefined
    throw error
  })
  return opened
}
