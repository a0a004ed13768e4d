import { type Database, findApiKey } from '@telegram-backup/database'
import type { Request } from 'express'
import { bearerKeyOf } from '#http/bearer-key.ts'

const LOOK_EVERY_MS = 15_000

/**
 * Looks again and again whether the key of a request that lasts is still good, and says so once it is not: a key that was taken away
 * or has expired ends what it has begun. Returns how to stop looking.
 */
export function watchKey(database: Database, request: Request, onGone: () => void): () => void {
  const key = bearerKeyOf(request) ?? ''
  const timer = setInterval(() => {
    findApiKey(database, key).then(
      still => {
        if (still === null) onGone()
      },
      // The catalog is away: the next look will tell.
      () => {},
    )
  }, LOOK_EVERY_MS).unref()
  return () => clearInterval(timer)
}
