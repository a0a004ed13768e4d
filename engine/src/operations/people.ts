import {
  type Database,
  getPerson,
  makeSignInLink,
  type Person,
  type PersonChange,
  type Rights,
  type Role,
  changePerson as recordChange,
  addPerson as recordPerson,
  removePerson as recordRemoval,
  SCOPES_OF_ROLE,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { type Caller, hasScope, sees } from '#access/caller.ts'

/** A link that signs a person in, once. */
export interface SignInLink {
  secret: string
  expiresAt: Date
}

/**
 * Makes a person, and the link to sign in with. With `by`, who asks over HTTP; without, whoever runs the
 * program on this machine, who may do all. Throws `INVALID`, `CONFLICT`, `FORBIDDEN`.
 */
export async function addPerson(
  database: Database,
  { name, role, projectId }: { name: string; role: Role; projectId?: string | undefined },
  by?: Caller,
): Promise<{ person: Person; link: SignInLink }> {
  const project = projectId ?? by?.project_id ?? undefined
  assertMayGive(by, { role, project_id: project ?? null })
  const person = await recordPerson(database, { name, role, projectId: project })
  return { person, link: await linkFor(database, person, by) }
}

/**
 * Changes a person. Throws `NOT_FOUND` for somebody whom the caller does not see, `FORBIDDEN` for more rights
 * than the caller has, `LAST_ADMIN`.
 */
export async function changePerson(
  database: Database,
  id: string,
  { change, by }: { change: PersonChange; by: Caller },
): Promise<Person> {
  await personFor(database, id, by)
  const permit = (rights: Rights): void => assertMayGive(by, rights)
  return (await recordChange(database, id, { ...change, permit })) ?? noSuchPerson()
}

/** Removes a person, and ends their sessions. Throws `NOT_FOUND`; with `by`, also `LAST_ADMIN`. */
export async function removePerson(database: Database, id: string, by?: Caller): Promise<Person> {
  await personFor(database, id, by)
  const permit = (rights: Rights): void => assertSees(by, rights)
  return (await recordRemoval(database, id, { evenTheLast: by === undefined, permit })) ?? noSuchPerson()
}

/** Makes a new link for a person; an earlier one that was not used ends. Throws `NOT_FOUND`, `FORBIDDEN`. */
export async function makeLink(
  database: Database,
  id: string,
  by?: Caller,
): Promise<{ person: Person; link: SignInLink }> {
  const person = await personFor(database, id, by)
  return { person, link: await linkFor(database, person, by) }
}

async function linkFor(database: Database, { id }: Person, by: Caller | undefined): Promise<SignInLink> {
  const permit = (rights: Rights): void => assertMayGive(by, rights)
  return (await makeSignInLink(database, id, { permit })) ?? noSuchPerson()
}

/** For a refusal before anything is locked. Rights can change until then, so each act permits them again. */
async function personFor(database: Database, id: string, by: Caller | undefined): Promise<Person> {
  const person = (await getPerson(database, id)) ?? noSuchPerson()
  assertSees(by, person)
  return person
}

function assertSees(by: Caller | undefined, { project_id }: Rights): void {
  if (by !== undefined && !sees(by, project_id)) noSuchPerson()
}

function noSuchPerson(): never {
  throw new BackupError('There is no such person', {
    code: 'NOT_FOUND',
    hint: 'Somebody who was removed, or who belongs to another project, is not found.',
  })
}

/** Nobody gives away a right that they lack: no higher role, no other project, no longer life. */
function assertMayGive(by: Caller | undefined, { role, project_id }: Rights): void {
  if (by === undefined) return
  if (!SCOPES_OF_ROLE[role].every(scope => hasScope(by, scope)) || !sees(by, project_id)) {
    throw new BackupError('Nobody can give away rights that they lack', {
      code: 'FORBIDDEN',
      hint: 'Ask somebody who has them.',
    })
  }
  if (by.expires_at === null) return
  throw new BackupError('A key that expires cannot let people in, who would outlive it', {
    code: 'FORBIDDEN',
    hint: 'Use a key without an expiry, or sign in.',
  })
}
