import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import type { AuditAct } from '#audit/types.audit.ts'
import { CatalogError, errorCode } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkProjectId, isUuid } from '#input-checks.ts'
import { lockByName } from '#named-locks.ts'
import { endLinksOf, endSessionsOf } from '#people/session-ends.ts'
import { type Person, ROLES, type Role } from '#people/types.person.ts'

const UNIQUE_VIOLATION = '23505'
/**
 * Letters and digits of any script, and what stands between them in names and addresses; none that is not
 * seen, such as fillers: a name with one would look like another.
 */
export const NAME: RegExp =
  /^(?!.*\p{DI})[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}._@+'’ -]{0,62}[\p{L}\p{M}\p{N}.])?$/u

/** Makes a person, without a password. CatalogError INVALID, CONFLICT for a name that is taken. */
export async function addPerson(
  database: Database,
  { name, role, projectId }: { name: string; role: Role; projectId?: string | undefined },
): Promise<Person> {
  const own = name.normalize('NFC')
  if (!NAME.test(own)) {
    throw new CatalogError('Not a valid name of a person', {
      code: 'INVALID',
      hint: 'Use 1 to 64 letters, digits, spaces and . _ - @ + \', first a letter or digit, for example "ann".',
    })
  }
  checkRole(role)
  if (projectId !== undefined) checkProjectId(projectId)
  return await inTransaction(database.kysely, async trx => {
    const row = await trx
      .insertInto('people')
      .values({ name: own, name_key: nameKey(own), role, project_id: projectId ?? null })
      .returningAll()
      .executeTakeFirstOrThrow()
    await noteAct(trx, { database, act: 'person.create', person: row })
    return personOf({ ...row, last_seen_at: null })
  }).catch((error: unknown) => {
    if (error instanceof CatalogError && errorCode(error.cause) === UNIQUE_VIOLATION) {
      throw new CatalogError('Somebody with this name exists already', {
        code: 'CONFLICT',
        hint: 'Choose another name, or make a new link for that person.',
      })
    }
    throw error
  })
}

function checkRole(role: unknown): void {
  if (ROLES.some(known => known === role)) return
  throw new CatalogError('Not a valid role', { code: 'INVALID', hint: `Use one of ${ROLES.join(', ')}.` })
}

/** Names are the same whatever their case and their form in Unicode. */
export function nameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

async function noteAct(
  trx: Transaction<CatalogSchema>,
  {
    database,
    act,
    person,
  }: { database: Database; act: AuditAct & `person.${string}`; person: Selectable<CatalogSchema['people']> },
): Promise<void> {
  const { id, name, role, project_id: projectId } = person
  await addToAudit(trx, { actor: database.actor, act, object: id, projectId, details: { name, role } })
}

/** Somebody who was not removed; null for an unknown id, or one that is no UUID. */
export async function getPerson({ kysely }: Database, id: string): Promise<Person | null> {
  if (!isUuid(id)) return null
  const row = await selectPeople(kysely).where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : personOf(row)
}

/** One page of people who were not removed, newest first; with `projectId`, those who are bound to it. */
export async function pagePeople(
  { kysely }: Database,
  of: {
    projectId?: string | undefined
    after?: { createdAt: Date; id: string } | undefined
    limit: number
  },
): Promise<Person[]> {
  checkCount('limit', of.limit, 1)
  let query = selectPeople(kysely).orderBy('created_at', 'desc').orderBy('id', 'desc')
  if (of.projectId !== undefined) query = query.where('project_id', '=', of.projectId)
  if (of.after !== undefined) {
    const { createdAt, id } = of.after
    query = query.where(sql<boolean>`(created_at, id) < (${createdAt}, ${id}::uuid)`)
  }
  return (await query.limit(of.limit).execute()).map(personOf)
}

function selectPeople(kysely: Kysely<CatalogSchema>) {
  return kysely
    .selectFrom('people')
    .selectAll()
    .select(
      sql<Date | null>`(select max(last_used_at) from control_plane.sessions where person_id = people.id)`.as(
        'last_seen_at',
      ),
    )
    .where('removed_at', 'is', null)
}

export function personOf(row: Selectable<CatalogSchema['people']> & Pick<Person, 'last_seen_at'>): Person {
  const { id, name, role, project_id, password_hash, created_at, last_seen_at } = row
  return { id, name, role, project_id, has_password: password_hash !== null, created_at, last_seen_at }
}

/** What becomes of a person; what is left out stays. A null project stands for all. */
export interface PersonChange {
  role?: Role | undefined
  projectId?: string | null | undefined
}

/**
 * Throws if the caller may not change somebody with these rights, or give them; they can no longer change.
 */
export type Permit = (rights: Rights) => void

/**
 * Changes a person, and ends the sessions of somebody who may do less afterwards. A link that was not used
 * ends: whoever has made it may not be allowed to let in somebody who may do more. Null for an unknown id.
 * CatalogError INVALID, LAST_ADMIN unless `evenTheLast`.
 * @param permit is called with the rights before and after
 */
export async function changePerson(
  database: Database,
  id: string,
  { role, projectId, evenTheLast = false, permit }: PersonChange & { evenTheLast?: boolean; permit?: Permit },
): Promise<Person | null> {
  if (role !== undefined) checkRole(role)
  if (typeof projectId === 'string') checkProjectId(projectId)
  return await changing(database, id, async (trx, before) => {
    const after = {
      role: role ?? before.role,
      project_id: projectId === undefined ? before.project_id : projectId,
    }
    permit?.(before)
    permit?.(after)
    if (!evenTheLast && isAdminOfAll(before) && !isAdminOfAll(after)) await assertOtherAdmin(trx, before.id)
    const row = await trx
      .updateTable('people')
      .set(after)
      .where('id', '=', before.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    await noteAct(trx, { database, act: 'person.change', person: row })
    await endLinksOf(trx, before.id)
    if (mayLess(before, after)) await endSessionsOf(trx, before.id)
  })
}

/**
 * Removes a person and ends their sessions. Null for an unknown id. CatalogError LAST_ADMIN unless
 * `evenTheLast`.
 */
export async function removePerson(
  database: Database,
  id: string,
  { evenTheLast = false, permit }: { evenTheLast?: boolean; permit?: Permit } = {},
): Promise<Person | null> {
  return await changing(database, id, async (trx, before) => {
    permit?.(before)
    if (!evenTheLast && isAdminOfAll(before)) await assertOtherAdmin(trx, before.id)
    await trx
      .updateTable('people')
      .set({ removed_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', before.id)
      .execute()
    await noteAct(trx, { database, act: 'person.remove', person: before })
    await endSessionsOf(trx, before.id)
  })
}

/** Returns the person as they are after it, or as they were removed. */
async function changing(
  database: Database,
  id: string,
  work: (trx: Transaction<CatalogSchema>, before: Selectable<CatalogSchema['people']>) => Promise<void>,
): Promise<Person | null> {
  if (!isUuid(id)) return null
  return await inTransaction(database.kysely, async trx => {
    // Two admins who remove each other wait here, so that the second one is seen to be the last.
    await lockByName(trx, 'control_plane: people')
    const before = await trx
      .selectFrom('people')
      .selectAll()
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .forUpdate()
      .executeTakeFirst()
    if (before === undefined) return null
    await work(trx, before)
    const after = await selectPeople(trx).where('id', '=', id).executeTakeFirst()
    return personOf(after ?? { ...before, last_seen_at: null })
  })
}

/** What somebody may do, and where. */
export type Rights = Pick<Person, 'role' | 'project_id'>

function isAdminOfAll({ role, project_id }: Rights): boolean {
  return role === 'admin' && project_id === null
}

export function mayLess(before: Rights, after: Rights): boolean {
  const isNarrower = after.project_id !== null && after.project_id !== before.project_id
  return isNarrower || ROLES.indexOf(after.role) < ROLES.indexOf(before.role)
}

async function assertOtherAdmin(trx: Transaction<CatalogSchema>, id: string): Promise<void> {
  const other = await trx
    .selectFrom('people')
    .select('id')
    .where('id', '<>', id)
    .where('role', '=', 'admin')
    .where('project_id', 'is', null)
    .where('removed_at', 'is', null)
    .limit(1)
    .executeTakeFirst()
  if (other !== undefined) return
  throw new CatalogError('This is the last administrator of all projects', {
    code: 'LAST_ADMIN',
    hint: 'Give somebody else the role admin first.',
  })
}
