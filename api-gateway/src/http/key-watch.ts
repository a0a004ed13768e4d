import { type ApiScope, type Database, findApiKey } from '@telegram-backup/database'
import { hasScope, sees } from '@telegram-backup/engine/jobs/key-rights.ts'
import type { Request, Response } from 'express'
import { bearerKeyOf } from '#http/authentication.ts'

const LOOK_EVERY_MS = 15_000

interface Watched {
  database: Database
  request: Request
  response: Response
  scope: ApiScope
  /** The project of what the request works with. */
  project: string | null
}

/**
 * Checks the key of a long request again and again. Closes the connection if the key was revoked, has
 * expired, or has lost the scope or the project. Returns the function that stops the checks.
 */
export function watchKey({ database, request, response, scope, project }: Watched): () => void {
  const key = bearerKeyOf(request) ?? ''
  const timer = setInterval(() => {
    findApiKey(database, key).then(
      still => {
        if (still === null || !hasScope(still, scope) || !sees(still, project)) response.destroy()
      },
      // The catalog does not answer; the next check may succeed.
      () => {},
    )
  }, LOOK_EVERY_MS).unref()
  return () => clearInterval(timer)
}

/**
 * Runs long work while its key is watched. The signal fires if the client leaves before it has its answer.
 */
export async function whileWatched<Result>(
  watched: Watched,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { response } = watched
  const controller = new AbortController()
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort()
  }
  response.once('close', onClose)
  if (response.destroyed) controller.abort()
  const unwatch = watchKey(watched)
  try {
    return await work(controller.signal)
  } finally {
    unwatch()
    response.off('close', onClose)
  }
}
