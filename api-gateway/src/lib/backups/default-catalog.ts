import type { Database } from '@telegram-backup/database'
import { readConfig } from '#config.ts'
import { openCatalog } from '#wiring.ts'

let opened: Promise<Database> | undefined

/**
 * The catalog of a program that passes none: opened at first use, shared, and closed when the program has nothing left
 * to do. A failure to open is not kept, so the next call tries again.
 */
export function defaultCatalog(): Promise<Database> {
  if (opened === undefined) {
    const opening = openCatalog(readConfig())
    opened = opening
    opening.then(
      database => {
        process.once('beforeExit', () => {
          opened = undefined
          void database.close()
        })
      },
      () => {
        opened = undefined
      },
    )
  }
  return opened
}
