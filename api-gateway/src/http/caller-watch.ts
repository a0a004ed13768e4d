import { type ApiScope, type Database, findApiKey, getSession } from '@telegram-backup/database'
import {
  type Caller,
  callerOfKey,
  callerOfSession,
  hasScope,
  sees,
} from '@telegram-backup/engine/access/caller.ts'
import type { Request, Response } from 'express'
import { bearerKeyOf } from '#http/credentials.ts'
import { callerOf } from '#http/request-context.ts'

/** So that the answer is there within 15 s. */
const LOOK_EVERY_MS = 12_000

interface Watched {
  database: Database
  request: Request
  response: Response
  scope: ApiScope
  /** The project of what the request works with. */
  project: string | null
}

/**
 * Checks the key or the session of a long request again and again. Closes the connection if it was revoked,
 * has ended, or has lost the scope or the project. Returns the function that stops the checks.
 */
export function watchCaller({ database, request, response, scope, project }: Watched): () => void {
  const caller = callerOf(response)
  const timer = setInterval(() => {
    callerAsNow(database, request, caller).then(
      still => {
        if (still === null || !hasScope(still, scope) || !sees(still, project)) response.destroy()
      },
      // The catalog does not answer; the next check may succeed.
      () => {},
    )
  }, LOOK_EVERY_MS).unref()
  return () => clearInterval(timer)
}

/** An open stream is no use of a session: it may be a forgotten tab. */
async function callerAsNow(
  database: Database,
  request: Request,
  { session }: Caller,
): Promise<Caller | null> {
  if (session !== undefined) {
    const signedIn = await getSession(database, session.id)
    return signedIn && callerOfSession(signedIn)
  }
  const key = await findApiKey(database, bearerKeyOf(request) ?? '')
  return key && callerOfKey(key)
}

/**
 * Runs long work while its caller is watched. The signal fires if the client leaves before it has its answer.
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
  const unwatch = watchCaller(watched)
  try {
    return await work(controller.signal)
  } finally {
    unwatch()
    response.off('close', onClose)
  }
}
