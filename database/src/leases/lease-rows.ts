import { randomUUID } from 'node:crypto'
import { hint, option } from '@telegram-backup/errors'
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { abandonedLeases, heldLeases } from '#leases/held-leases.ts'
import { isGone, type LeasePurpose, thisProcess } from '#leases/holder.ts'

/** How long a lease lasts without being renewed. The database's clock counts. */
export const LEASE_TTL_MS = 45_000

type LeaseRow = Selectable<CatalogSchema['leases']>

// A transaction that locks a lease and a backup locks the lease first, to avoid deadlocks.

const inTtl = sql<Date>`clock_timestamp() + ${LEASE_TTL_MS} * interval '1 millisecond'`

/**
 * Takes a lease that is free, has expired, or is held by a process that is gone; returns its token, or null.
 */
export async function claimLease(
  trx: Transaction<CatalogSchema>,
  claim: { subject: string; purpose: LeasePurpose },
): Promise<string | null> {
  const token = randomUUID()
  const terms = { ...thisProcess(), purpose: claim.purpose, token, expires_at: inTtl }
  // The row may be gone before it is locked; then the next insert succeeds.
  for (let tries = 0; tries < 5; tries++) {
    const inserted = await trx
      .insertInto('leases')
      .values({ subject: claim.subject, ...terms })
      .onConflict(conflict => conflict.doNothing())
      .returning('token')
      .executeTakeFirst()
    if (inserted) return token
    const held = await trx
      .selectFrom('leases')
      .selectAll()
      .select(hasExpired.as('expired'))
      .where('subject', '=', claim.subject)
      .forUpdate()
      .executeTakeFirst()
    if (!held) continue
    if (!held.expired && !isAbandoned(held)) return null
    await trx
      .updateTable('leases')
      .set({ ...terms, taken_at: sql<Date>`clock_timestamp()` })
      .where('subject', '=', claim.subject)
      .execute()
    return token
  }
  return null
}

/** No process works under it any more, even if it has not expired. */
export function isAbandoned(lease: LeaseRow): boolean {
  return isGone(lease) || abandonedLeases.has(lease.token)
}

const hasExpired = sql<boolean>`expires_at <= clock_timestamp()`

/** As `claimLease`; CatalogError BUSY when a living process holds it. */
export async function claimLeaseOrRefuse(
  trx: Transaction<CatalogSchema>,
  claim: { subject: string; purpose: LeasePurpose },
): Promise<string> {
  const token = await claimLease(trx, claim)
  if (token !== null) return token
  throw await heldByAnother(trx, claim.subject, 'Another run works on this backup')
}

/** CatalogError BUSY that names the holder of a lease, and since when it has it. */
export async function heldByAnother(
  kysely: Kysely<CatalogSchema>,
  subject: string,
  words: string,
): Promise<CatalogError> {
  const holder = await kysely
    .selectFrom('leases')
    .selectAll()
    .where('subject', '=', subject)
    .executeTakeFirst()
  const who = holder && ` since ${holder.taken_at.toISOString()} (${describeHolder(holder)})`
  return new CatalogError(`${words}${who ?? ''}`, {
    code: 'BUSY',
    hint: hint`Wait until it has ended, or ask again with ${option('retry-lock', '10m')}. A process that died is noticed within a minute.`,
  })
}

/**
 * To be called first in every transaction that writes about a backup. With a token: CatalogError LEASE_LOST
 * unless that lease is still there; no process can take it over before the transaction ends. Without:
 * CatalogError CONFLICT when a living process holds the lease. `ending`: the transaction will drop the lease.
 * `words`: what is worked on, for the message.
 */
export async function guardWrite(
  trx: Transaction<CatalogSchema>,
  backupId: string,
  leaseToken: string | undefined,
  { ending = false, words = 'backup' }: { ending?: boolean; words?: string } = {},
): Promise<void> {
  const found = trx
    .selectFrom('leases')
    .selectAll()
    .select(hasExpired.as('expired'))
    .where('subject', '=', backupId)
  const lease = await (ending ? found.forUpdate() : found.forShare()).executeTakeFirst()
  if (leaseToken === undefined) {
    if (!lease || lease.expired || isAbandoned(lease)) return
    throw new CatalogError(`The ${words} is being worked on by ${describeHolder(lease)}`, {
      code: 'CONFLICT',
      hint: 'Wait until that run has ended.',
    })
  }
  if (lease?.token === leaseToken) return
  heldLeases.get(leaseToken)?.lose()
  throw new CatalogError(`This run has lost its ${words} to another one`, {
    code: 'LEASE_LOST',
    hint: 'It was away too long. The other run finishes or removes what it left behind.',
  })
}

/** For the transaction that ends the work. */
export async function dropLease(
  kysely: Kysely<CatalogSchema>,
  subject: string,
  token: string,
): Promise<void> {
  await kysely.deleteFrom('leases').where('subject', '=', subject).where('token', '=', token).execute()
}

/** False when the lease is gone, or another's. */
export async function renewLease(
  kysely: Kysely<CatalogSchema>,
  subject: string,
  token: string,
): Promise<boolean> {
  const renewed = await kysely
    .updateTable('leases')
    .set({ expires_at: inTtl })
    .where('subject', '=', subject)
    .where('token', '=', token)
    .executeTakeFirst()
  return renewed.numUpdatedRows > 0n
}

export function describeHolder(lease: Pick<LeaseRow, 'purpose' | 'pid' | 'hostname'>): string {
  return `${lease.purpose}, process ${lease.pid} on ${lease.hostname}`
}
