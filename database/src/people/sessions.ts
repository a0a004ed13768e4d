import { type Selectable, sql, type Transaction } from 'kysely'
import { actorName } from '#audit/actors.ts'
import { addToAudit } from '#audit/audit.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, isUuid, storable } from '#input-checks.ts'
import { personOf } from '#people/people.ts'
import { endOf, hashOf, isAlive, LONGEST, newSecret } from '#people/session-life.ts'
import type { BrowserFacts, Factor, Session, SignedIn } from '#people/types.person.ts'

/** How precisely the last use is recorded. */
const LAST_USE_EVERY_MS = 60_000
const LONGEST_USER_AGENT = 200

/**
 * Begins a session of a person in the transaction that has proved who they are.
 * @param browser.factorAt when they did so, if it was earlier
 */
export async function beginSessionIn(
  trx: Transaction<CatalogSchema>,
  row: Selectable<CatalogSchema['people']>,
  { factor, factorAt, userAgent, address }: BrowserFacts & { factor: Factor; factorAt?: Date | undefined },
): Promise<SignedIn & { secret: string }> {
  const secret = newSecret('tbs_')
  const made = await trx
    .insertInto('sessions')
    .values({
      session_hash: hashOf(secret),
      person_id: row.id,
      factors: [factor],
      ...(factorAt !== undefined && { factor_at: factorAt }),
      user_agent: userAgent === undefined ? null : storable(userAgent.slice(0, LONGEST_USER_AGENT)),
      address: address ?? null,
      expires_at: sql<Date>`clock_timestamp() + ${LONGEST}`,
    })
    .returningAll()
    .returning(endOf.as('ends_at'))
    .executeTakeFirstOrThrow()
  const details = { session: made.id, factor, address: address ?? null }
  const of = { object: row.id, projectId: row.project_id, details }
  await addToAudit(trx, { actor: actorName('person', row), act: 'session.begin', ...of })
  const person = personOf({ ...row, last_seen_at: made.last_used_at })
  return { secret, person, session: sessionOf(made) }
}

function sessionOf(row: Selectable<CatalogSchema['sessions']> & { ends_at: Date }): Session {
  const { session_hash: _, revoked_at: __, ends_at: expires_at, ...shown } = row
  return { ...shown, expires_at }
}

/**
 * Whose session the cookie holds; null for one that is unknown or has ended. It is found by its hash, so that
 * the time of the lookup reveals nothing.
 * @param isUse whether it counts as a use, which is recorded once a minute at most
 */
export async function findSession(
  database: Database,
  secret: string,
  { isUse = true }: { isUse?: boolean } = {},
): Promise<SignedIn | null> {
  const found = await signedIn(database, { secret })
  if (found === null) return null
  const { isStale, ...whose } = found
  if (isStale && isUse) await noteUse(database, whose.session.id)
  return whose
}

/** A session by its id, as it is now; null if it has ended. Does not count as a use. */
export async function getSession(database: Database, id: string): Promise<SignedIn | null> {
  const found = isUuid(id) ? await signedIn(database, { id }) : null
  return found && { person: found.person, session: found.session }
}

const notUsedLately = sql<boolean>`last_used_at < clock_timestamp() - ${LAST_USE_EVERY_MS} * interval '1 millisecond'`

async function signedIn(
  { kysely }: Database,
  by: { secret: string } | { id: string },
): Promise<(SignedIn & { isStale: boolean }) | null> {
  const found = await kysely
    .selectFrom('sessions')
    .selectAll('sessions')
    .select([endOf.as('ends_at'), notUsedLately.as('isStale')])
    .where(isAlive)
    .$if('secret' in by, query => query.where('session_hash', '=', hashOf('secret' in by ? by.secret : '')))
    .$if('id' in by, query => query.where('id', '=', 'id' in by ? by.id : ''))
    .executeTakeFirst()
  if (found === undefined) return null
  const { isStale, ...row } = found
  const person = await kysely
    .selectFrom('people')
    .selectAll()
    .where('id', '=', row.person_id)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  if (person === undefined) return null
  return { isStale, person: personOf({ ...person, last_seen_at: row.last_used_at }), session: sessionOf(row) }
}

/** Only one of many requests at once writes, by the clock of the catalog. */
async function noteUse({ kysely }: Database, id: string): Promise<void> {
  await kysely
    .updateTable('sessions')
    .set({ last_used_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where(sql<boolean>`last_used_at < clock_timestamp() - ${LAST_USE_EVERY_MS} * interval '1 millisecond'`)
    .execute()
}

/** A session in a list, with the name of its person. */
export type ListedSession = Session & { person: string; project_id: string | null }

/** One page of sessions that can be used, newest first. */
export async function pageSessions(
  { kysely }: Database,
  of: {
    /** Of this person alone. */
    personId?: string | undefined
    /** Of people who are bound to it alone. */
    projectId?: string | undefined
    after?: { createdAt: Date; id: string } | undefined
    limit: number
  },
): Promise<ListedSession[]> {
  checkCount('limit', of.limit, 1)
  let query = kysely
    .selectFrom('sessions')
    .innerJoin('people', 'people.id', 'sessions.person_id')
    .selectAll('sessions')
    .select(['people.name as person', 'people.project_id', endOf.as('ends_at')])
    .where(isAlive)
    .orderBy('sessions.created_at', 'desc')
    .orderBy('sessions.id', 'desc')
  if (of.personId !== undefined) query = query.where('sessions.person_id', '=', of.personId)
  if (of.projectId !== undefined) query = query.where('people.project_id', '=', of.projectId)
  if (of.after !== undefined) {
    const { createdAt, id } = of.after
    query = query.where(sql<boolean>`(sessions.created_at, sessions.id) < (${createdAt}, ${id}::uuid)`)
  }
  const rows = await query.limit(of.limit).execute()
  return rows.map(({ person, project_id, ...row }) => ({ ...sessionOf(row), person, project_id }))
}

/** Notes that the person of a session has proved again who they are; false for a session that has ended. */
export async function renewFactor(database: Database, id: string, factor: Factor): Promise<boolean> {
  return await inTransaction(database.kysely, trx => renewFactorIn(trx, { database, id, factor }))
}

/** The same in the transaction that has proved it. */
export async function renewFactorIn(
  trx: Transaction<CatalogSchema>,
  { database, id, factor }: { database: Database; id: string; factor: Factor },
): Promise<boolean> {
  const row = await trx
    .updateTable('sessions')
    .from('people')
    .set({
      factor_at: sql<Date>`clock_timestamp()`,
      factors: sql<
        Factor[]
      >`case when ${factor} = any (factors) then factors else factors || ${factor}::text end`,
    })
    .whereRef('people.id', '=', 'sessions.person_id')
    .where('sessions.id', '=', id)
    .where(isAlive)
    .returning(['people.id', 'people.project_id'])
    .executeTakeFirst()
  if (row === undefined) return false
  const of = { object: row.id, projectId: row.project_id, details: { session: id, factor } }
  await addToAudit(trx, { actor: database.actor, act: 'session.factor', ...of })
  return true
}

/** The addresses from which each person has signed in lately, by the key of the name. */
export async function knownPlaces({ kysely }: Database): Promise<{ name_key: string; address: string }[]> {
  const { rows } = await sql<{ name_key: string; address: string }>`
    select distinct name_key, address from control_plane.sessions
      join control_plane.people on people.id = person_id
     where address is not null and removed_at is null
  `.execute(kysely)
  return rows
}
