import { type Database, findApiKey, findSession } from '@telegram-backup/database'
import { type Caller, callerOfKey, callerOfSession } from '@telegram-backup/engine/access/caller.ts'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { Request, RequestHandler } from 'express'
import { ipKeyGenerator, MemoryStore, rateLimit } from 'express-rate-limit'
import type { BrowserGuards } from '#http/browser-guards.ts'
import { noteGoodKey } from '#http/connections.ts'
import { bearerKeyOf, clearSessionCookie, sessionCookieOf } from '#http/credentials.ts'
import { GoodKeys } from '#http/good-keys.ts'
import { callerOf, note } from '#http/request-context.ts'
import { WrongKeys } from '#http/wrong-keys.ts'

const WINDOW_MS = 60_000

/** Finds out whose key or session a request has. Counts wrong ones in this process until it is closed. */
export interface Authentication {
  /**
   * Throws `UNAUTHENTICATED` without a valid key or session, and what `BrowserGuards` throw for a session.
   * After too many wrong keys from one address it waits a second and throws `TOO_MANY_REQUESTS`; if very many
   * requests wait, it closes the connection instead.
   */
  authenticate: RequestHandler
  /** Throws `TOO_MANY_REQUESTS` for a caller who sends too many requests; comes after `authenticate`. */
  limitRate: RequestHandler
  close(): void
}

/**
 * Reads the catalog for each request, so that a revoked key or session stops working at
 * once. Only guesses above the
 * limit are judged by an earlier answer of the catalog.
 */
export function openAuthentication(of: {
  database: Database
  settings: HttpSettings
  guards: BrowserGuards
  log: Pick<Logger, 'warn'>
}): Authentication {
  const { database, settings, guards, log } = of
  const keys = new GoodKeys(database)
  const wrong = new WrongKeys({ limit: settings.failed_logins_per_minute, keys, log })
  const requests = new MemoryStore()
  const callerWith = async (given: {
    cookie: string | undefined
    key: string | undefined
    isUse: boolean
  }): Promise<Caller | null> => {
    const { isUse } = given
    if (given.cookie !== undefined) {
      const signedIn = await findSession(database, given.cookie, { isUse })
      return signedIn && callerOfSession(signedIn)
    }
    const found = given.key === undefined ? null : await findApiKey(database, given.key)
    return found && callerOfKey(found)
  }
  return {
    authenticate: async (request, response, next) => {
      const cookie = sessionCookieOf(request)
      if (cookie !== undefined) {
        guards.assertOwnHost(request)
        guards.assertSameOrigin(request)
      }
      const key = bearerKeyOf(request)
      if (cookie === undefined && key === undefined && request.get('Authorization') === undefined) {
        response.set('WWW-Authenticate', 'Bearer')
        throw unauthenticated('No API key was given')
      }
      // A proxy may add an Authorization of its own to what a browser sends.
      const secret = cookie ?? key
      const address = ipKeyGenerator(request.ip ?? '', 56)
      // A good key is never refused, even from an address that also sends guesses.
      if (await wrong.areTooMany(address)) {
        const verdict = await wrong.judge(address, secret)
        if (verdict.is !== 'good') note(response, { isCountedElsewhere: true })
        if (verdict.is === 'close') {
          response.status(429)
          return void request.socket.destroy()
        }
        if (verdict.is === 'refuse') {
          response.set('Retry-After', String(verdict.secondsLeft))
          throw tooMany('Too many wrong keys came from this address')
        }
      }
      const caller = await callerWith({ cookie, key, isUse: isAttended(request) })
      if (caller === null) {
        if (secret !== undefined) keys.forget(secret)
        await wrong.count(address)
        response.set('WWW-Authenticate', 'Bearer error="invalid_token"')
        if (cookie === undefined) throw unauthenticated('This API key is not valid')
        clearSessionCookie(request, response)
        throw new BackupError('Your session has ended', { code: 'UNAUTHENTICATED', hint: 'Sign in again.' })
      }
      note(response, { caller })
      noteGoodKey(request.socket)
      next()
    },
    limitRate: rateLimit({
      windowMs: WINDOW_MS,
      limit: settings.requests_per_minute,
      store: requests,
      keyGenerator: (_request, response) => callerOf(response).id,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      // The library would check the proxy settings of express, which `create-app.ts` makes.
      validate: false,
      handler: () => {
        throw tooMany('Too many requests were sent with this key or session within a minute')
      },
    }),
    close: () => {
      wrong.close()
      requests.shutdown()
    },
  }
}

/** Whether a person does something, as the page says: a forgotten tab asks for news for days. */
function isAttended(request: Request): boolean {
  return request.get('X-Unattended') === undefined && !request.path.endsWith('/events')
}

function unauthenticated(message: string): BackupError {
  return new BackupError(message, {
    code: 'UNAUTHENTICATED',
    hint: hint`Send a key in the header Authorization, as a Bearer token; ${run('apikey create')} makes one.`,
  })
}

function tooMany(message: string): BackupError {
  return new BackupError(message, { code: 'TOO_MANY_REQUESTS', hint: 'Wait as long as Retry-After says.' })
}
