import { type Database, findApiKey } from '@telegram-backup/database'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { Request, RequestHandler } from 'express'
import { ipKeyGenerator, MemoryStore, rateLimit } from 'express-rate-limit'
import { noteGoodKey } from '#http/connections.ts'
import { GoodKeys } from '#http/good-keys.ts'
import { callerOf, note } from '#http/request-context.ts'
import { WrongKeys } from '#http/wrong-keys.ts'

const WINDOW_MS = 60_000

/** Finds out whose key a request has. Counts wrong keys in this process until it is closed. */
export interface Authentication {
  /**
   * Throws `UNAUTHENTICATED` without a valid key. After too many wrong keys from one address it waits a
   * second and throws `TOO_MANY_REQUESTS`; if very many requests wait, it closes the connection instead.
   */
  authenticate: RequestHandler
  /** Throws `TOO_MANY_REQUESTS` for a key that sends too many requests; comes after `authenticate`. */
  limitRate: RequestHandler
  close(): void
}

/**
 * Reads the catalog for each request, so that a revoked key stops working at once. Only guesses above the
 * limit are judged by an earlier answer of the catalog.
 */
export function openAuthentication(of: {
  database: Database
  settings: HttpSettings
  log: Pick<Logger, 'warn'>
}): Authentication {
  const { database, settings, log } = of
  const keys = new GoodKeys(database)
  const wrong = new WrongKeys({ limit: settings.failed_logins_per_minute, keys, log })
  const requests = new MemoryStore()
  return {
    authenticate: async (request, response, next) => {
      const key = bearerKeyOf(request)
      if (key === undefined && request.get('Authorization') === undefined) {
        response.set('WWW-Authenticate', 'Bearer')
        throw unauthenticated('No API key was given')
      }
      const address = ipKeyGenerator(request.ip ?? '', 56)
      // A good key is never refused, even from an address that also sends guesses.
      if (await wrong.areTooMany(address)) {
        const verdict = await wrong.judge(address, key)
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
      const caller = key === undefined ? null : await findApiKey(database, key)
      if (caller === null) {
        if (key !== undefined) keys.forget(key)
        await wrong.count(address)
        response.set('WWW-Authenticate', 'Bearer error="invalid_token"')
        throw unauthenticated('This API key is not valid')
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
        throw tooMany('This key has sent too many requests within a minute')
      },
    }),
    close: () => {
      wrong.close()
      requests.shutdown()
    },
  }
}

/** The key in the header `Authorization`; undefined if it is not a Bearer token. */
export function bearerKeyOf(request: Request): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,200}) *$/i.exec(request.get('Authorization') ?? '')?.[1]
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
