import { type ApiScope, type Database, findApiKey } from '@telegram-backup/database'
import { hasScope, sees } from '@telegram-backup/engine/jobs/key-rights.ts'
import type { Request } from 'express'
import { bearerKeyOf } from '#http/bearer-key.ts'

const LOOK_EVERY_MS = 15_000

/**
 * Looks again and again whether the key of a request that lasts may still have what it asked for, and says so once it may not: a key that
 * was taken away, has expired, or has lost the scope or the project ends what it has begun. Returns how to stop looking.
 */
export function watchKey(
  { database, request, onGone }: { database: Database; request: Request; onGone: () => void },
  asked: { scope: ApiScope; project: string | null },
): () => void {
  const key = bearerKeyOf(request) ?? ''
  const timer = setInterval(() => {
    findApiKey(database, key).then(
      still => {
        if (still === null || !hasScope(still, asked.scope) || !sees(still, asked.project)) onGone()
      },
      // The catalog is away: the next look will tell.
      () => {},
    )
  }, LOOK_EVERY_MS).unref()
  return () => clearInterval(timer)
}
