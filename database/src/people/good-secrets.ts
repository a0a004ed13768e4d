import type { Database } from '#database.ts'
import { isGood } from '#keys/api-keys.ts'
import { isAlive } from '#people/session-life.ts'

/**
 * The SHA-256 of each key of the API and of the doors, and of the cookie of each session, that can be used:
 * one query.
 */
export async function goodSecretHashes({ kysely }: Database): Promise<Buffer[]> {
  const rows = await kysely
    .selectFrom('api_keys')
    .select('key_hash as hash')
    .where(isGood)
    .unionAll(eb => eb.selectFrom('door_keys').select('key_hash as hash').where(isGood))
    .unionAll(eb => eb.selectFrom('sessions').select('session_hash as hash').where(isAlive))
    .execute()
  return rows.map(({ hash }) => hash)
}
