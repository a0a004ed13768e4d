import { type Database, findApiKey } from '@telegram-backup/database'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { RequestHandler } from 'express'
import { ipKeyGenerator, MemoryStore, rateLimit } from 'express-rate-limit'
import { bearerKeyOf } from '#http/bearer-key.ts'
import { noteGoodKey } from '#http/connections.ts'
import { GoodKeys } from '#http/good-keys.ts'
import { callerOf, note } from '#http/request-context.ts'
import { WrongKeys } from '#http/wrong-keys.ts'

const WINDOW_MS = 60_000

/** Who asks. Keeps count of wrong keys, in this process, until it is closed. */
export interface Authentication {
  /**
   * Throws `UNAUTHENTICATED` for a request without a key that is good now, `TOO_MANY_REQUESTS` after too many wrong ones, a second
   * late. While very many are to be refused it ends the connection instead, and neither throws nor goes on.
   */
  authenticate: RequestHandler
  /** Throws `TOO_MANY_REQUESTS` for a key that asks too often; comes after `authenticate`. */
  limitRate: RequestHandler
  close(): void
}

/** Asks the catalog each time: a key that is revoked is so at once. Only guesses past their limit are told by what it said last. */
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
      // Whoever shares an address with one who guesses comes in: a key that is good is never refused.
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
      // Each is its own affair: proxies are set where the app is made.
      validate: false,
      handler: () => {
        throw tooMany('This key has asked too often within a minute')
      },
    }),
    close: () => {
      wrong.close()
      requests.shutdown()
    },
  }
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
