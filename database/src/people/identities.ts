import { createHash } from 'node:crypto'
import { type Selectable, sql, type Transaction } from 'kysely'
import { actorName } from '#audit/actors.ts'
import { addToAudit } from '#audit/audit.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { storable } from '#input-checks.ts'
import { lockByName } from '#named-locks.ts'
import { mayLess, NAME, nameKey, type Rights } from '#people/people.ts'
import { endLinksOf, endSessionsOf } from '#people/session-ends.ts'
import { beginSessionIn } from '#people/sessions.ts'
import type { NewSession } from '#people/sign-ins.ts'
import type { BrowserFacts, Role } from '#people/types.person.ts'

/** What a provider has proved of an account. */
export interface IdentityClaims {
  /** The name of the provider in the configuration. */
  provider: string
  issuer: string
  subject: string
  /** What the account calls itself; used for the name of a new person, and never to find one. */
  username?: string | undefined
  /** Null: none of the roles is the account’s. */
  role: Role | null
  /** Null: all projects. */
  projectId: string | null
  /** When the person has proved to the provider who they are; undefined for just now. */
  provedAt?: Date | undefined
}

export type IdentityVerdict = { is: 'in'; session: NewSession } | { is: 'removed' | 'without role' }

/**
 * Signs in by an account at a provider, which is known by issuer and subject alone. An account that is new
 * here becomes a person. Role and project become those that the provider gives; who has none any longer is
 * refused, and their sessions end. A removed person stays removed.
 * @param browser.refused whether a refusal gets its line in the audit
 */
export async function signInByIdentity(
  database: Database,
  claims: IdentityClaims,
  { refused, ...browser }: BrowserFacts & { refused: () => Promise<boolean> },
): Promise<IdentityVerdict> {
  return await inTransaction(database.kysely, async trx => {
    // An account that signs in twice at once becomes one person; and see `changePerson`.
    await lockByName(trx, 'control_plane: people')
    const known = await personOfAccount(trx, claims)
    const verdict = known?.removed_at ? 'removed' : claims.role === null ? 'without role' : undefined
    if (verdict !== undefined) {
      if (known !== undefined) await endSessionsOf(trx, known.id)
      if (await refused()) await noteRefusal(trx, { known, claims, verdict, address: browser.address })
      return { is: verdict }
    }
    const rights = { role: claims.role as Role, project_id: claims.projectId }
    const person = known === undefined ? await create(trx, claims, rights) : await adapt(trx, known, rights)
    await trx
      .updateTable('identities')
      .set({ last_used_at: sql<Date>`clock_timestamp()` })
      .where('issuer', '=', claims.issuer)
      .where('subject', '=', claims.subject)
      .execute()
    const session = await beginSessionIn(trx, person, {
      ...{ ...browser, factor: 'oidc', factorAt: claims.provedAt },
    })
    return { is: 'in', session }
  })
}

type PersonRow = Selectable<CatalogSchema['people']>

async function personOfAccount(
  trx: Transaction<CatalogSchema>,
  { issuer, subject }: IdentityClaims,
): Promise<PersonRow | undefined> {
  return await trx
    .selectFrom('people')
    .innerJoin('identities', 'identities.person_id', 'people.id')
    .selectAll('people')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .forUpdate('people')
    .executeTakeFirst()
}

async function noteRefusal(
  trx: Transaction<CatalogSchema>,
  of: { known: PersonRow | undefined; claims: IdentityClaims; verdict: string; address: string | undefined },
): Promise<void> {
  const { known, claims, verdict, address = 'unknown' } = of
  const details = { address, provider: claims.provider, reason: verdict }
  const about = { object: known?.id ?? 'nobody', projectId: known?.project_id ?? null, details }
  await addToAudit(trx, { actor: `visitor ${address}`, act: 'session.refuse', ...about })
}

async function create(
  trx: Transaction<CatalogSchema>,
  claims: IdentityClaims,
  rights: Rights,
): Promise<PersonRow> {
  const name = await freeName(trx, claims)
  const row = await trx
    .insertInto('people')
    .values({ name, name_key: nameKey(name), ...rights })
    .returningAll()
    .executeTakeFirstOrThrow()
  const { issuer, subject } = claims
  await trx.insertInto('identities').values({ issuer, subject, person_id: row.id }).execute()
  await note(trx, row, { act: 'person.create', provider: claims.provider })
  return row
}

/** `USERNAME@PROVIDER`: nobody can take the name of somebody who was added here. */
async function freeName(
  trx: Transaction<CatalogSchema>,
  { provider, subject, issuer, username = '' }: IdentityClaims,
): Promise<string> {
  const cut = storable(username)
    .normalize('NFC')
    .slice(0, 64 - provider.length - 5)
  const wanted = `${cut}@${provider}`
  const code = createHash('sha256').update(`${issuer} ${subject}`).digest('hex').slice(0, 8)
  const first = NAME.test(wanted) ? wanted : `${code}@${provider}`
  for (let number = 1; ; number++) {
    const name = number === 1 ? first : `${first} ${number}`
    const taken = await trx
      .selectFrom('people')
      .select('id')
      .where('name_key', '=', nameKey(name))
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    if (taken === undefined) return name
  }
}

async function adapt(trx: Transaction<CatalogSchema>, before: PersonRow, rights: Rights): Promise<PersonRow> {
  if (before.role === rights.role && before.project_id === rights.project_id) return before
  const row = await trx
    .updateTable('people')
    .set(rights)
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await note(trx, row, { act: 'person.change' })
  await endLinksOf(trx, row.id)
  if (mayLess(before, rights)) await endSessionsOf(trx, row.id)
  return row
}

async function note(
  trx: Transaction<CatalogSchema>,
  row: PersonRow,
  { act, provider }: { act: 'person.create' | 'person.change'; provider?: string },
): Promise<void> {
  const details = { name: row.name, role: row.role, ...(provider !== undefined && { provider }) }
  const of = { object: row.id, projectId: row.project_id, details }
  await addToAudit(trx, { actor: actorName('person', row), act, ...of })
}
