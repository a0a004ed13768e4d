import { createHash, randomBytes } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'

/** A session ends when it was not used for so long. */
const IDLE = sql`interval '12 hours'`
/** And at the latest so long after its beginning. */
export const LONGEST: RawBuilder<unknown> = sql`interval '7 days'`

/** Whether a session can still be used. */
export const isAlive: RawBuilder<boolean> = sql<boolean>`(sessions.revoked_at is null
  and sessions.expires_at > clock_timestamp() and sessions.last_used_at > clock_timestamp() - ${IDLE})`

/** When a session ends unless it is used before. */
export const endOf: RawBuilder<Date> = sql<Date>`least(sessions.expires_at, sessions.last_used_at + ${IDLE})`

/** A new secret of 256 random bits; the catalog keeps {@link hashOf} it. */
export function newSecret(prefix: 'tbs_' | 'tbl_'): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`
}

export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
