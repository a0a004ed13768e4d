import { CatalogError, errorCode, isServerGone } from '#catalog-error.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import { abandonedLeases, heldLeases, type LocalLease } from '#leases/held-leases.ts'
import type { LeasePurpose } from '#leases/holder.ts'
import { claimLease, dropLease, heldByAnother, LEASE_TTL_MS, renewLease } from '#leases/lease-rows.ts'
import { whenFree } from '#leases/lock-wait.ts'

/** The right to work on one backup or restore, until it is released or lost. */
export interface Lease {
  /** The id of the backup or the restore. */
  readonly subject: string
  /** Every write under the lease needs it. */
  readonly token: string
  /** Fires when it is certain that the lease is lost. */
  readonly signal: AbortSignal
  /**
   * By this process's own clock: no other process can have it. False for a while after this process was
   * stopped or the catalog was away.
   */
  isHeld(): boolean
  /** May be called twice; never throws. */
  release(): Promise<void>
}

const HEARTBEAT_MS = 10_000
const MARGIN_MS = 10_000

/**
 * Takes the lease of a backup or a restore; null when a living process holds it, after the time that the
 * catalog's `lockWait` says. `reconcile` never waits here: it has rounds of its own. CatalogError INVALID for
 * an id that is no UUID.
 */
export async function acquireLease(
  database: Database,
  claim: { subject: string; purpose: LeasePurpose },
): Promise<Lease | null> {
  checkUuid('subject of a lease', claim.subject)
  const { subject } = claim
  const lockWait = claim.purpose === 'reconcile' ? undefined : database.lockWait
  const claimed = await whenFree({ lockWait }, async () => {
    const since = now()
    const token = await inTransaction(database.kysely, trx => claimLease(trx, claim))
    if (token !== null) return { token, since }
    if (lockWait === undefined) return null
    throw await heldByAnother(database.kysely, subject, 'Another run works on this backup')
  }).catch(unlessBusy)
  return claimed === null ? null : new HeldLease(database, subject, claimed.token, claimed.since)
}

function unlessBusy(error: unknown): null {
  if (error instanceof CatalogError && error.code === 'BUSY') return null
  throw error
}

/** The lease that a transaction has claimed; `since` is `now()` before that transaction. */
export function holdLease(database: Database, subject: string, token: string, since: Instant): Lease {
  return new HeldLease(database, subject, token, since)
}

/**
 * A moment by both clocks of this process: one stands still while the machine sleeps, the other can be set.
 */
export interface Instant {
  steady: number
  wall: number
}

export function now(): Instant {
  return { steady: performance.now(), wall: Date.now() }
}

/**
 * Runs a transaction that drops the lease last. When it is unknown whether that was committed, the lease does
 * not count as held until the catalog answers again.
 */
export async function endingLease<Result>(
  token: string | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  const lease = token === undefined ? undefined : heldLeases.get(token)
  try {
    const result = await work()
    lease?.end()
    return result
  } catch (error) {
    if (!isRolledBack(error)) lease?.doubt()
    throw error
  }
}

/** PostgreSQL, or the code before it, said that nothing was changed. */
function isRolledBack(error: unknown): boolean {
  if (!(error instanceof CatalogError)) return false
  if (error.cause === undefined) return error.code !== 'CATALOG'
  return !isServerGone(error.cause) && /^[0-9A-Z]{5}$/.test(errorCode(error.cause) ?? '')
}

class HeldLease implements Lease, LocalLease {
  readonly subject: string
  readonly token: string
  readonly #database: Database
  readonly #lost = new AbortController()
  readonly #heartbeat: NodeJS.Timeout
  #renewed: Instant | undefined
  #renewing: Promise<void> | undefined
  #doubts = 0
  #ended = false

  constructor(database: Database, subject: string, token: string, since: Instant) {
    this.#database = database
    this.subject = subject
    this.token = token
    this.#renewed = since
    this.#heartbeat = setInterval(() => this.#renew(), HEARTBEAT_MS).unref()
    heldLeases.set(token, this)
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  isHeld(): boolean {
    if (this.#ended || this.#renewed === undefined) return false
    const { steady, wall } = now()
    const age = Math.max(steady - this.#renewed.steady, wall - this.#renewed.wall)
    return age < LEASE_TTL_MS - MARGIN_MS
  }

  async release(): Promise<void> {
    if (this.#ended) return
    this.end()
    await dropLease(this.#database.kysely, this.subject, this.token).catch(() => {
      // For others it expires; this process need not wait for that.
      abandonedLeases.add(this.token)
    })
  }

  end(): void {
    this.#ended = true
    clearInterval(this.#heartbeat)
    heldLeases.delete(this.token)
  }

  lose(): void {
    this.end()
    this.#lost.abort(new CatalogError('This run has lost its backup to another one', { code: 'LEASE_LOST' }))
  }

  doubt(): void {
    this.#doubts += 1
    this.#renewed = undefined
    this.#renew()
  }

  #renew(): void {
    this.#renewing ??= this.#ask().finally(() => {
      this.#renewing = undefined
    })
  }

  async #ask(): Promise<void> {
    const asked = now()
    const doubts = this.#doubts
    try {
      const renewed = await renewLease(this.#database.kysely, this.subject, this.token)
      if (this.#ended) return
      if (!renewed) this.lose()
      // An answer to an earlier question does not settle a later doubt.
      else if (doubts === this.#doubts) this.#renewed = asked
      else await this.#ask()
    } catch {
      // The catalog is away: the next beat asks again, and `isHeld` knows the age of the last answer.
    }
  }
}
