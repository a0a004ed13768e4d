import { type Database, findApiKey } from '@telegram-backup/database'
import type { RequestHandler } from 'express'
import { ipKeyGenerator, MemoryStore, rateLimit } from 'express-rate-limit'
import { bearerKeyOf } from '#http/bearer-key.ts'
import type { HttpSettings } from '#http/http-settings.ts'
import { callerOf, note } from '#http/request-context.ts'
import { BackupError } from '#lib/backups/backup-error.ts'

const WINDOW_MS = 60_000

/** Who asks. Keeps count of wrong keys, in this process, until it is closed. */
export interface Authentication {
  /** Throws `UNAUTHENTICATED` for a request without a key that is good now, `TOO_MANY_REQUESTS` after too many wrong ones. */
  authenticate: RequestHandler
  /** Throws `TOO_MANY_REQUESTS` for a key that asks too often; comes after `authenticate`. */
  limitRate: RequestHandler
  close(): void
}

/** Asks the catalog each time: a key that is revoked is so at once. */
export function openAuthentication(database: Database, settings: HttpSettings): Authentication {
  const failures = new FailedLogins(settings.failed_logins_per_minute)
  const requests = new MemoryStore()
  return {
    authenticate: async (request, response, next) => {
      const key = bearerKeyOf(request)
      if (key === undefined && request.get('Authorization') === undefined) {
        response.set('WWW-Authenticate', 'Bearer')
        throw unauthenticated('No API key was given')
      }
      // Whoever shares an address with one who guesses comes in: a key that is good is never refused.
      const caller = key === undefined ? null : await findApiKey(database, key)
      if (caller === null) {
        const secondsLeft = await failures.count(ipKeyGenerator(request.ip ?? '', 56))
        if (secondsLeft > 0) {
          response.set('Retry-After', String(secondsLeft))
          throw tooMany('Too many wrong keys came from this address')
        }
        response.set('WWW-Authenticate', 'Bearer error="invalid_token"')
        throw unauthenticated('This API key is not valid')
      }
      note(response, { caller })
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
      failures.close()
      requests.shutdown()
    },
  }
}

/** Wrong keys, by address. After too many of them whoever has none is told to wait for the rest of the minute. */
class FailedLogins {
  readonly #store = new MemoryStore()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
    // The store asks for no more of its options than the window.
    this.#store.init({ windowMs: WINDOW_MS } as Parameters<MemoryStore['init']>[0])
  }

  /** Counts one more, and returns how many seconds that address has to wait; 0 for not at all. */
  async count(address: string): Promise<number> {
    const { totalHits, resetTime } = await this.#store.increment(address)
    if (totalHits <= this.#limit) return 0
    return Math.max(1, Math.ceil(((resetTime?.getTime() ?? 0) - Date.now()) / 1_000))
  }

  close(): void {
    this.#store.shutdown()
  }
}

function unauthenticated(message: string): BackupError {
  return new BackupError(message, {
    code: 'UNAUTHENTICATED',
    hint: 'Send a key in the header Authorization, as a Bearer token; telegram-backup apikey create makes one.',
  })
}

function tooMany(message: string): BackupError {
  return new BackupError(message, { code: 'TOO_MANY_REQUESTS', hint: 'Wait as long as Retry-After says.' })
}
