import { sql } from 'kysely'
import type { Database } from '#database.ts'

/** The backups that only a private key opens. */
export interface EncryptedBackups {
  count: number
  /** How many of them a pin keeps for as long as it stays. */
  pinned: number
  /** When the last of them expires, as far as no policy and no pin keeps it longer; null for none. */
  lastExpiresAt: Date | null
}

/** Those that are in the chat now. */
export async function countEncrypted({ kysely }: Database): Promise<EncryptedBackups> {
  const row = await kysely
    .selectFrom('backups')
    .where('state', 'in', ['complete', 'erasing'])
    .where('encrypted', '=', true)
    .select([
      sql<number>`count(*)::int`.as('count'),
      sql<number>`count(pinned_at)::int`.as('pinned'),
      sql<Date | null>`max(expires_at)`.as('lastExpiresAt'),
    ])
    .executeTakeFirstOrThrow()
  return row
}
