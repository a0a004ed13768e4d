import { type Kysely, sql } from 'kysely'
import { actorName } from '#audit/actors.ts'
import { addToAudit } from '#audit/audit.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, isUuid } from '#input-checks.ts'
import { isAlive } from '#people/session-life.ts'

/** Ends the sessions of a person in the transaction of what is the reason for it; returns how many. */
export async function endSessionsOf(
  trx: Kysely<CatalogSchema>,
  personId: string,
  { but }: { but?: string | undefined } = {},
): Promise<number> {
  let query = trx
    .updateTable('sessions')
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where('person_id', '=', personId)
    .where('revoked_at', 'is', null)
  if (but !== undefined) query = query.where('id', '<>', but)
  const { numUpdatedRows } = await query.executeTakeFirst()
  return Number(numUpdatedRows)
}

/** Ends the link of a person that was not used. */
export async function endLinksOf(trx: Kysely<CatalogSchema>, personId: string): Promise<void> {
  await trx
    .deleteFrom('sign_in_links')
    .where('person_id', '=', personId)
    .where('used_at', 'is', null)
    .execute()
}

/** Ends all sessions of a person but one; returns how many. */
export async function revokeSessionsOf(
  database: Database,
  person: { id: string; name: string; project_id: string | null },
  { but }: { but?: string | undefined } = {},
): Promise<number> {
  return await inTransaction(database.kysely, async trx => {
    const count = await endSessionsOf(trx, person.id, { but })
    const of = { object: person.id, projectId: person.project_id, details: { name: person.name, count } }
    if (count > 0) await addToAudit(trx, { actor: database.actor, act: 'session.end', ...of })
    return count
  })
}

/** Ends a session; false for an unknown one, and one that has ended. */
export async function revokeSession(database: Database, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  return await inTransaction(database.kysely, async trx => {
    const row = await trx
      .updateTable('sessions')
      .from('people')
      .set({ revoked_at: sql<Date>`clock_timestamp()` })
      .whereRef('people.id', '=', 'sessions.person_id')
      .where('sessions.id', '=', id)
      .where(isAlive)
      .returning(['people.id', 'people.name', 'people.project_id'])
      .executeTakeFirst()
    if (row === undefined) return false
    const details = { session: id.toLowerCase(), of: actorName('person', row) }
    const of = { object: row.id, projectId: row.project_id, details }
    await addToAudit(trx, { actor: database.actor, act: 'session.end', ...of })
    return true
  })
}

/** How long a session stays after its end: its address tells a person’s own places from those of guesses. */
const KEPT = sql`interval '30 days'`
const LINK_KEPT = sql`interval '1 day'`

/** Deletes old sessions and links, at most `limit` of each at a time; returns how many sessions. */
export async function pruneSessions({ kysely }: Database, { limit }: { limit: number }): Promise<number> {
  checkCount('limit', limit, 1)
  await sql`
    delete from control_plane.sign_in_links
     where link_hash in (select link_hash from control_plane.sign_in_links
                          where expires_at < clock_timestamp() - ${LINK_KEPT} limit ${limit})
  `.execute(kysely)
  await sql`
    delete from control_plane.sign_in_challenges
     where challenge_hash in (select challenge_hash from control_plane.sign_in_challenges
                               where expires_at < clock_timestamp() limit ${limit})
  `.execute(kysely)
  const { numAffectedRows } = await sql`
    delete from control_plane.sessions
     where id in (select id from control_plane.sessions
                   where expires_at < clock_timestamp() - ${KEPT} limit ${limit})
  `.execute(kysely)
  return Number(numAffectedRows ?? 0)
}
