import { type Database, type DoorKey, findDoorKey } from '@telegram-backup/database'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { ipKeyGenerator } from 'express-rate-limit'
import { noteGoodKey } from '#http/connections.ts'
import { GoodKeys } from '#http/good-keys.ts'
import { isFromHere } from '#http/metrics-access.ts'
import { note } from '#http/request-context.ts'
import { WrongKeys } from '#http/wrong-keys.ts'
import { SharedLooks } from '#restic/shared-looks.ts'

/** Finds out whose key a request to a door has. Counts wrong ones in this process until it is closed. */
export interface DoorAccess {
  /**
   * The key of a request; undefined if the connection was closed, because very many wrong keys wait for their
   * refusal. Throws `TLS_NEEDED`, `FORBIDDEN` for a browser, `UNAUTHENTICATED`, and after too many wrong keys
   * from one address `TOO_MANY_REQUESTS`.
   */
  keyOf(request: Request, response: Response): Promise<DoorKey | undefined>
  /** Throws `UNAUTHENTICATED` when the request's key cannot be used any more, and `CATALOG`. */
  assertStillGood(request: Request, key: DoorKey): Promise<void>
  close(): void
}

/** What HTTP basic authentication sends. */
interface Credentials {
  user: string
  key: string
}

/** Reads the catalog for each request, so that a revoked key stops working at once. */
export function openDoorAccess(of: {
  database: Database
  settings: Pick<HttpSettings, 'failed_logins_per_minute'>
  log: Pick<Logger, 'warn'>
}): DoorAccess {
  const { database, settings, log } = of
  const keys = new GoodKeys(database)
  // No user has a colon.
  const looks = new SharedLooks(
    (given: Credentials) => findDoorKey(database, given),
    ({ user, key }) => `${user}:${key}`,
  )
  const wrong = new WrongKeys({ limit: settings.failed_logins_per_minute, keys, log })
  return {
    keyOf: async (request, response) => {
      assertPrivateWay(request)
      refuseBrowsers(request)
      const given = credentialsOf(request)
      response.set('WWW-Authenticate', 'Basic realm="restic", charset="UTF-8"')
      if (given === undefined && request.get('Authorization') === undefined)
        throw unauthenticated('No user and key were given')
      const address = ipKeyGenerator(request.ip ?? '', 56)
      // A good key is never refused, even from an address that also sends guesses.
      if (await wrong.areTooMany(address)) {
        const verdict = await wrong.judge(address, given?.key)
        if (verdict.is !== 'good') note(response, { isCountedElsewhere: true })
        if (verdict.is === 'close') {
          response.status(429)
          request.socket.destroy()
          return undefined
        }
        if (verdict.is === 'refuse') {
          response.set('Retry-After', String(verdict.secondsLeft))
          throw new BackupError('Too many wrong keys came from this address', {
            code: 'TOO_MANY_REQUESTS',
            hint: 'Wait as long as Retry-After says.',
          })
        }
      }
      const key = given === undefined ? null : await looks.afterNow(given)
      if (key === null) {
        if (given !== undefined) keys.forget(given.key)
        await wrong.count(address)
        throw unauthenticated('This user and key are not valid')
      }
      response.removeHeader('WWW-Authenticate')
      note(response, { doorKeyId: key.id })
      noteGoodKey(request.socket)
      return key
    },
    assertStillGood: async (request, { id }) => {
      const given = credentialsOf(request)
      if (given !== undefined && (await looks.afterNow(given))?.id === id) return
      throw unauthenticated('This key was revoked meanwhile')
    },
    close: () => wrong.close(),
  }
}

/** A user may hold no colon (RFC 7617). */
function credentialsOf(request: Request): Credentials | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/_=-]{1,800}) *$/i.exec(request.get('Authorization') ?? '') ?? []
  if (encoded === undefined) return undefined
  const [, user, key] =
    /^([^:\0]{1,200}):([\x21-\x7e]{1,200})$/.exec(Buffer.from(encoded, 'base64').toString()) ?? []
  return user === undefined || key === undefined ? undefined : { user, key }
}

/** Throws `TLS_NEEDED` when the key of the request may have crossed a network in clear text. */
function assertPrivateWay(request: Request): void {
  if (request.secure || isFromHere(request)) return
  throw new BackupError('The key of a bucket must not cross a network in clear text', {
    code: 'TLS_NEEDED',
    hint: 'Use https: start serve with a certificate, or put a proxy with TLS in front, name it in trust_proxy and let it set X-Forwarded-Proto. Then make a new key',
  })
}

/**
 * A browser that has been given a key sends it again by itself, also when a page of somebody else makes it
 * send. Browsers alone set these headers, and pages cannot remove them.
 */
function refuseBrowsers(request: Request): void {
  if (request.get('Origin') === undefined && request.get('Sec-Fetch-Site') === undefined) return
  throw new BackupError('Buckets are for restic, not for browsers', {
    code: 'FORBIDDEN',
    hint: 'The page shows the buckets.',
  })
}

function unauthenticated(message: string): BackupError {
  return new BackupError(message, {
    code: 'UNAUTHENTICATED',
    hint: hint`Set RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD to those that ${run('doorkey create')} printed.`,
  })
}
