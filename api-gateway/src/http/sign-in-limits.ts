import { createHash } from 'node:crypto'
import { type Database, knownPlaces, nameKey } from '@telegram-backup/database'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { ipKeyGenerator, MemoryStore } from 'express-rate-limit'

const MINUTE_MS = 60_000
/** Wrong passwords and links from one address in a minute; IPv6: from one /56. */
const OF_ADDRESS = 10
const NAME_WINDOW_MS = 15 * MINUTE_MS
/** Wrong passwords for one name in a quarter of an hour, from all addresses together. */
const OF_NAME = 20
/** Passkeys and providers that one address asks for in a minute. */
const ASKED_OF_ADDRESS = 60
/** Refusals in a minute that get a line in the audit each. */
const IN_AUDIT = 60
/** Each hash takes 46 MiB. */
const HASHES_AT_ONCE = 2
const HASHES_WAITING = 32
/** Of one address, so that nobody fills all places. */
const HASHES_WAITING_OF_ADDRESS = 16

/**
 * Bounds guesses at passwords in this process, from memory alone: by address, and by name. A name that others
 * guess at is still open to addresses from which its owner has signed in lately, and to a link: nobody is
 * shut out by others.
 */
export class SignInLimits {
  readonly #database: Database
  readonly #addresses: Counter
  readonly #names = new Counter(NAME_WINDOW_MS, OF_NAME)
  readonly #asked = new Counter(MINUTE_MS, ASKED_OF_ADDRESS)
  readonly #refusals = new Counter(MINUTE_MS, IN_AUDIT)
  #places: Promise<ReadonlySet<string>> | undefined
  #readAt = Number.NEGATIVE_INFINITY
  #hashing = 0
  readonly #waiting: { place: string; go: () => void }[] = []

  constructor({ database, settings }: { database: Database; settings: HttpSettings }) {
    this.#database = database
    this.#addresses = new Counter(MINUTE_MS, Math.min(OF_ADDRESS, settings.failed_logins_per_minute))
  }

  /**
   * Counts a try before its work begins, so that many at once do not pass. `by`: the name that is tried, or
   * the session in which a password is given again; undefined for a link. Throws `TOO_MANY_REQUESTS`.
   */
  async begin(
    request: Request,
    response: Response,
    by: { name: string } | { session: string } | undefined,
  ): Promise<Try> {
    const place = placeOf(request)
    const ofPlace = await this.#addresses.add(place)
    if (ofPlace > 0) throw tooMany(response, 'Too many wrong tries came from this address', ofPlace)
    const subject = by && keyOf('name' in by ? `name ${nameKey(by.name)}` : `session ${by.session}`)
    const ofSubject = subject === undefined ? 0 : await this.#names.add(subject)
    if (ofSubject > 0 && !(await this.#isOwners(by, place)))
      throw tooMany(response, 'Too many wrong passwords were given for this name', ofSubject)
    const forget = async (): Promise<void> => {
      await this.#addresses.remove(place)
      if (subject !== undefined) await this.#names.remove(subject)
    }
    return {
      of: async work => {
        try {
          const done = await work()
          await forget()
          return done
        } catch (error) {
          if (!WRONG.has(describeError(error).code)) await forget()
          throw error
        }
      },
    }
  }

  /** Counts a beginning, which writes into the catalog. Throws `TOO_MANY_REQUESTS`. */
  async ask(request: Request, response: Response): Promise<void> {
    const seconds = await this.#asked.add(placeOf(request))
    if (seconds > 0) throw tooMany(response, 'Too many people begin to sign in from this address', seconds)
  }

  /** Whether one more refusal gets its line in the audit. */
  async mayRecord(): Promise<boolean> {
    return (await this.#refusals.add('all')) === 0
  }

  /** Runs work that hashes a password, a few at a time. Throws `TOO_MANY_REQUESTS` if many wait already. */
  async inTurn<Result>(response: Response, work: () => Promise<Result>): Promise<Result> {
    const place = placeOf(response.req)
    const ofPlace = this.#waiting.filter(one => one.place === place).length
    if (this.#hashing < HASHES_AT_ONCE) this.#hashing += 1
    else if (this.#waiting.length >= HASHES_WAITING || ofPlace >= HASHES_WAITING_OF_ADDRESS)
      throw tooMany(response, 'Too many people sign in just now', 1)
    else await new Promise<void>(go => this.#waiting.push({ place, go }))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // The next one takes over this turn.
      if (next === undefined) this.#hashing -= 1
      else next.go()
    }
  }

  close(): void {
    for (const counter of [this.#addresses, this.#names, this.#asked, this.#refusals]) counter.close()
  }

  async #isOwners(by: { name: string } | { session: string } | undefined, place: string): Promise<boolean> {
    return by !== undefined && 'name' in by && (await this.#known()).has(`${nameKey(by.name)} ${place}`)
  }

  /** Read once a minute at most, however many guesses come. */
  async #known(): Promise<ReadonlySet<string>> {
    if (this.#places === undefined || performance.now() - this.#readAt > MINUTE_MS) {
      this.#readAt = performance.now()
      const before = this.#places ?? Promise.resolve(new Set<string>())
      this.#places = knownPlaces(this.#database).then(
        places =>
          new Set(places.map(({ name_key, address }) => `${name_key} ${ipKeyGenerator(address, 56)}`)),
        () => before,
      )
    }
    return await this.#places
  }
}

/** Somebody with IPv6 has a /56. */
function placeOf({ ip = '' }: Request): string {
  return ipKeyGenerator(ip, 56)
}

/** A counted try. */
export interface Try {
  /** Does its work. The try counts no longer unless what was given turns out to be wrong. */
  of<Result>(work: () => Promise<Result>): Promise<Result>
}

const WRONG: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'FORBIDDEN'])

/** Counts in windows of time. */
class Counter {
  readonly #store = new MemoryStore()
  readonly #limit: number

  constructor(windowMs: number, limit: number) {
    this.#limit = limit
    // The store reads only the window.
    this.#store.init({ windowMs } as Parameters<MemoryStore['init']>[0])
  }

  /** Seconds until the next one passes; 0 if this one does. */
  async add(key: string): Promise<number> {
    const { totalHits, resetTime } = await this.#store.increment(key)
    if (totalHits <= this.#limit) return 0
    return Math.max(1, Math.ceil(((resetTime?.getTime() ?? 0) - Date.now()) / 1_000))
  }

  async remove(key: string): Promise<void> {
    await this.#store.decrement(key)
  }

  close(): void {
    this.#store.shutdown()
  }
}

/** Guesses may be long, and are no text to keep: people type passwords where a name belongs. */
function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}

function tooMany(response: Response, message: string, seconds: number): BackupError {
  response.set('Retry-After', String(seconds))
  return new BackupError(message, { code: 'TOO_MANY_REQUESTS', hint: 'Wait as long as Retry-After says.' })
}
