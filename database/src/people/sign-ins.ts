import { type Selectable, sql, type Transaction } from 'kysely'
import { actorName } from '#audit/actors.ts'
import { addToAudit } from '#audit/audit.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { isUuid, storable } from '#input-checks.ts'
import { nameKey, type Permit } from '#people/people.ts'
import { endLinksOf, endSessionsOf } from '#people/session-ends.ts'
import { hashOf, newSecret } from '#people/session-life.ts'
import { beginSessionIn } from '#people/sessions.ts'
import type { BrowserFacts, Role, SignedIn } from '#people/types.person.ts'

const LINK_LIVES = sql`interval '15 minutes'`

/**
 * Makes a link that signs a person in once, within 15 minutes; an earlier one that was not used ends. Only
 * this call returns its secret. Null for somebody unknown.
 * @param permit is called with the rights of the person
 */
export async function makeSignInLink(
  database: Database,
  personId: string,
  { permit }: { permit?: Permit } = {},
): Promise<{ secret: string; expiresAt: Date } | null> {
  if (!isUuid(personId)) return null
  const secret = newSecret('tbl_')
  return await inTransaction(database.kysely, async trx => {
    const person = await trx
      .selectFrom('people')
      .selectAll()
      .where('id', '=', personId)
      .where('removed_at', 'is', null)
      // Two links at once wait for each other: the later one stays.
      .forUpdate()
      .executeTakeFirst()
    if (person === undefined) return null
    permit?.(person)
    await endLinksOf(trx, personId)
    const { expires_at: expiresAt } = await trx
      .insertInto('sign_in_links')
      .values({
        link_hash: hashOf(secret),
        person_id: personId,
        expires_at: sql<Date>`clock_timestamp() + ${LINK_LIVES}`,
      })
      .returning('expires_at')
      .executeTakeFirstOrThrow()
    const of = { object: person.id, projectId: person.project_id, details: { name: person.name } }
    await addToAudit(trx, { actor: database.actor, act: 'person.link', ...of })
    return { secret, expiresAt }
  })
}

/** What signs in: the browser, and the secret of its new session. */
export type NewSession = SignedIn & { secret: string }

/**
 * Signs in by a link, and sets the password if there is one: then the person’s other sessions end. Null for a
 * link that is unknown, used or too old. Of two at once, one gets in. CatalogError CONFLICT for a password of
 * somebody who came from a provider: then the link can still be used.
 */
export async function signInByLink(
  database: Database,
  secret: string,
  { passwordHash, ...browser }: BrowserFacts & { passwordHash?: string | undefined },
): Promise<NewSession | null> {
  return await inTransaction(database.kysely, async trx => {
    const used = await trx
      .updateTable('sign_in_links')
      .set({ used_at: sql<Date>`clock_timestamp()` })
      .where('link_hash', '=', hashOf(secret))
      .where('used_at', 'is', null)
      .where(sql<boolean>`expires_at > clock_timestamp()`)
      .returning('person_id')
      .executeTakeFirst()
    if (used === undefined) return null
    const person = await lockPerson(trx, used.person_id)
    if (person === undefined) return null
    if (passwordHash === undefined) return await beginSessionIn(trx, person, { ...browser, factor: 'link' })
    const changed = await changePassword(trx, person, { passwordHash, actor: actorName('person', person) })
    return await beginSessionIn(trx, changed, { ...browser, factor: 'link' })
  })
}

/** A link that can still be used: whom it signs in, and until when. */
export interface GoodLink {
  name: string
  role: Role
  expires_at: Date
}

/** Null for a link that cannot be used; uses nothing up. */
export async function goodLink({ kysely }: Database, secret: string): Promise<GoodLink | null> {
  const link = await kysely
    .selectFrom('sign_in_links')
    .innerJoin('people', 'people.id', 'sign_in_links.person_id')
    .select(['people.name', 'people.role', 'sign_in_links.expires_at'])
    .where('link_hash', '=', hashOf(secret))
    .where('used_at', 'is', null)
    .where('people.removed_at', 'is', null)
    .where(sql<boolean>`expires_at > clock_timestamp()`)
    .executeTakeFirst()
  return link ?? null
}

/** Somebody who was not removed, whom nothing else changes until the transaction ends. */
export async function lockPerson(
  trx: Transaction<CatalogSchema>,
  id: string,
): Promise<Selectable<CatalogSchema['people']> | undefined> {
  return await trx
    .selectFrom('people')
    .selectAll()
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
}

/** Whether somebody came from a provider, which alone decides whether they may come in. */
export async function isFromProvider(trx: Transaction<CatalogSchema>, personId: string): Promise<boolean> {
  const row = await trx
    .selectFrom('identities')
    .select('subject')
    .where('person_id', '=', personId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

async function changePassword(
  trx: Transaction<CatalogSchema>,
  { id, project_id: projectId }: Selectable<CatalogSchema['people']>,
  { passwordHash, actor, but }: { passwordHash: string; actor: string; but?: string | undefined },
): Promise<Selectable<CatalogSchema['people']>> {
  if (await isFromProvider(trx, id)) {
    throw new CatalogError('Somebody who signs in at a provider has no password here', {
      code: 'CONFLICT',
      hint: 'Sign in there, or go on without a password. A password would outlast an account that is closed there.',
    })
  }
  const row = await trx
    .updateTable('people')
    .set({ password_hash: passwordHash })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await endSessionsOf(trx, id, { but })
  await addToAudit(trx, { actor, act: 'person.password', object: id, projectId, details: { name: row.name } })
  return row
}

/**
 * Sets a password, and ends the person’s other sessions. False for somebody unknown. CatalogError CONFLICT
 * for somebody who came from a provider.
 */
export async function setPassword(
  database: Database,
  personId: string,
  { passwordHash, but }: { passwordHash: string; but: string },
): Promise<boolean> {
  return await inTransaction(database.kysely, async trx => {
    const person = await lockPerson(trx, personId)
    if (person === undefined) return false
    await changePassword(trx, person, { passwordHash, actor: database.actor, but })
    return true
  })
}

/** Who has that name, and the hash of their password, if they have one; undefined for nobody. */
export async function passwordOf(
  { kysely }: Database,
  who: { name: string } | { id: string },
): Promise<{ id: string; project_id: string | null; password_hash: string | null } | undefined> {
  return await kysely
    .selectFrom('people')
    .select(['id', 'project_id', 'password_hash'])
    .where('removed_at', 'is', null)
    .$if('name' in who, query =>
      query.where('name_key', '=', 'name' in who ? storable(nameKey(who.name)) : ''),
    )
    .$if('id' in who, query => query.where('id', '=', 'id' in who ? who.id : ''))
    .executeTakeFirst()
}

/** Signs in somebody whose password was right. Null if it was changed, or the person removed, since. */
export async function signInByPassword(
  database: Database,
  { id, passwordHash }: { id: string; passwordHash: string },
  browser: BrowserFacts,
): Promise<NewSession | null> {
  return await inTransaction(database.kysely, async trx => {
    const person = await lockPerson(trx, id)
    if (person === undefined || person.password_hash !== passwordHash) return null
    return await beginSessionIn(trx, person, { ...browser, factor: 'password' })
  })
}

/** Records that somebody was refused; the audit never has the name that they gave. */
export async function noteRefusedSignIn(
  { kysely }: Database,
  { person, address }: { person: { id: string; project_id: string | null } | undefined; address: string },
): Promise<void> {
  const of = { object: person?.id ?? 'nobody', projectId: person?.project_id ?? null, details: { address } }
  await addToAudit(kysely, { actor: `visitor ${address}`, act: 'session.refuse', ...of })
}
