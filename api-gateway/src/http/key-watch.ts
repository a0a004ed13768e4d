import { type ApiScope, type Database, findApiKey } from '@telegram-backup/database'
import { hasScope, sees } from '@telegram-backup/engine/jobs/key-rights.ts'
import type { Request } from 'express'
import { bearerKeyOf } from '#http/authentication.ts'

const LOOK_EVERY_MS = 15_000

/**
 * Checks the key of a long request again and again. Calls `onGone` when the key was revoked, has expired, or
 * has lost the scope or the project. Returns the function that stops the checks.
 */
export function watchKey(
  { database, request, onGone }: { database: Database; request: Request; onGone: () => void },
  needed: { scope: ApiScope; project: string | null },
): () => void {
  const key = bearerKeyOf(request) ?? ''
  const timer = setInterval(() => {
    findApiKey(database, key).then(
      still => {
        if (still === null || !hasScope(still, needed.scope) || !sees(still, needed.project)) onGone()
      },
      // The catalog does not answer; the next check may succeed.
      () => {},
    )
  }, LOOK_EVERY_MS).unref()
  return () => clearInterval(timer)
}
