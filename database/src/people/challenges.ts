import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { Database } from '#database.ts'
import { storableJson } from '#input-checks.ts'
import type { JsonObject } from '#jobs/types.backup.ts'
import type { ChallengeKind } from '#people/types.person.ts'

/** Time enough to find a phone, or to sign in at a provider. */
const LIVES = sql`interval '5 minutes'`
/** Anybody can ask for one: so many are kept at once. */
const MOST = 20_000

/**
 * Keeps what was asked until it is answered, for five minutes. Throws CatalogError BUSY when very many are
 * open.
 * @param of.challenge the random value; its hash alone is kept
 * @param of.personId who alone may answer
 */
export async function keepChallenge(
  { kysely }: Database,
  of: {
    challenge: string
    kind: ChallengeKind
    personId?: string | undefined
    details?: JsonObject | undefined
  },
): Promise<void> {
  const { challenge, kind, personId = null, details = {} } = of
  const { numAffectedRows } = await sql`
    insert into control_plane.sign_in_challenges (challenge_hash, kind, person_id, details, expires_at)
    select ${hashOf(challenge)}, ${kind}, ${personId}::uuid, ${storableJson(details)}::jsonb,
           clock_timestamp() + ${LIVES}
     where (select count(*) from control_plane.sign_in_challenges
             where expires_at > clock_timestamp()) < ${MOST}
  `.execute(kysely)
  if (numAffectedRows === 1n) return
  throw new CatalogError('Too many people sign in just now', { code: 'BUSY', hint: 'Try again in a minute.' })
}

/** What the answer is checked against; null for what was not asked, is too old, or was answered before. */
export async function useChallenge(
  { kysely }: Database,
  { challenge, kind, personId }: { challenge: string; kind: ChallengeKind; personId?: string | undefined },
): Promise<JsonObject | null> {
  let query = kysely
    .deleteFrom('sign_in_challenges')
    .where('challenge_hash', '=', hashOf(challenge))
    .where('kind', '=', kind)
    .where(sql<boolean>`expires_at > clock_timestamp()`)
  query =
    personId === undefined ? query.where('person_id', 'is', null) : query.where('person_id', '=', personId)
  return (await query.returning('details').executeTakeFirst())?.details ?? null
}

function hashOf(challenge: string): Buffer {
  return createHash('sha256').update(challenge).digest()
}
