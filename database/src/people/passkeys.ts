import { type Selectable, sql, type Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { isUuid, storable } from '#input-checks.ts'
import { beginSessionIn, renewFactorIn } from '#people/sessions.ts'
import { isFromProvider, lockPerson, type NewSession } from '#people/sign-ins.ts'
import type { BrowserFacts, Passkey } from '#people/types.person.ts'

const MOST = 20
const LONGEST_NAME = 60

/** What proves that somebody has a passkey. */
export interface KnownPasskey {
  id: string
  personId: string
  /** Base64url. */
  credentialId: string
  /** COSE. */
  publicKey: Uint8Array<ArrayBuffer>
  counter: number
}

/** What a browser has made. */
export type NewPasskey = Omit<KnownPasskey, 'id'> & { name: string; transports: string[]; rpId: string }

/** Records a passkey. CatalogError CONFLICT for one that is known, or if the person has very many. */
export async function addPasskey(database: Database, of: NewPasskey): Promise<Passkey> {
  return await inTransaction(database.kysely, async trx => {
    const person = await lockPerson(trx, of.personId)
    const others = await passkeysOf(trx, of.personId)
    if (person === undefined || others.length >= MOST) {
      throw new CatalogError(`A person can have ${MOST} passkeys at most`, {
        code: 'CONFLICT',
        hint: 'Remove one that is not used.',
      })
    }
    const row = await trx
      .insertInto('passkeys')
      .values({
        person_id: of.personId,
        name: storable(of.name).trim().slice(0, LONGEST_NAME) || 'passkey',
        credential_id: of.credentialId,
        public_key: Buffer.from(of.publicKey),
        counter: of.counter,
        transports: of.transports,
        rp_id: of.rpId,
      })
      .onConflict(conflict => conflict.column('credential_id').doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) {
      throw new CatalogError('This passkey is known already', { code: 'CONFLICT', hint: 'Sign in with it.' })
    }
    const details = { name: person.name, passkey: row.id, rp_id: row.rp_id }
    const about = { object: person.id, projectId: person.project_id, details }
    await addToAudit(trx, { actor: database.actor, act: 'passkey.add', ...about })
    return passkeyOf(row)
  })
}

/** The passkeys of a person, oldest first, with what tells a browser that it has one already. */
export async function listPasskeys(
  { kysely }: Database,
  personId: string,
): Promise<(Passkey & { credential_id: string })[]> {
  const rows = await passkeysOf(kysely, personId)
  return rows.map(row => ({ ...passkeyOf(row), credential_id: row.credential_id }))
}

async function passkeysOf(
  kysely: Database['kysely'],
  personId: string,
): Promise<Selectable<CatalogSchema['passkeys']>[]> {
  return await kysely
    .selectFrom('passkeys')
    .selectAll()
    .where('person_id', '=', personId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

function passkeyOf(row: Selectable<CatalogSchema['passkeys']>): Passkey {
  const { id, name, rp_id, created_at, last_used_at } = row
  return { id, name, rp_id, created_at, last_used_at }
}

/** The passkey of somebody who was not removed; null for an unknown one. */
export async function findPasskey({ kysely }: Database, credentialId: string): Promise<KnownPasskey | null> {
  const row = await kysely
    .selectFrom('passkeys')
    .innerJoin('people', 'people.id', 'passkeys.person_id')
    .selectAll('passkeys')
    .where('credential_id', '=', storable(credentialId))
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) return null
  const { id, person_id: personId, counter } = row
  return { id, personId, credentialId, publicKey: new Uint8Array(row.public_key), counter }
}

/** A signature that was right, with the counter that it has. */
export interface PasskeyUse {
  id: string
  counter: number
}

/**
 * Signs in somebody whose signature was right. Null if the passkey, or the person, was removed since.
 * CatalogError CONFLICT for somebody who came from a provider: there they are let in, or no longer.
 */
export async function signInByPasskey(
  database: Database,
  of: PasskeyUse & { personId: string },
  browser: BrowserFacts,
): Promise<NewSession | null> {
  return await inTransaction(database.kysely, async trx => {
    const person = await lockPerson(trx, of.personId)
    if (person === undefined || !(await noteUse(trx, of))) return null
    if (await isFromProvider(trx, person.id)) {
      throw new CatalogError(
        'You sign in at your provider; a passkey proves here only once more who you are',
        {
          code: 'CONFLICT',
          hint: 'Choose your provider on the page to sign in.',
        },
      )
    }
    return await beginSessionIn(trx, person, { ...browser, factor: 'passkey' })
  })
}

/** Notes in a session that its person has proved it again; false for what was removed, or has ended. */
export async function renewFactorByPasskey(
  database: Database,
  sessionId: string,
  of: PasskeyUse,
): Promise<boolean> {
  return await inTransaction(database.kysely, async trx => {
    if (!(await noteUse(trx, of))) return false
    return await renewFactorIn(trx, { database, id: sessionId, factor: 'passkey' })
  })
}

/** Of two uses with the same counter at once, one is a copy. Many authenticators do not count: always 0. */
async function noteUse(trx: Transaction<CatalogSchema>, { id, counter }: PasskeyUse): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('passkeys')
    .set({ counter, last_used_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where(sql<boolean>`(counter < ${counter} or (counter = 0 and ${counter} = 0))`)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/**
 * Removes a passkey of a person; false for an unknown one. CatalogError CONFLICT for the last thing that the
 * person can sign in with.
 */
export async function removePasskey(database: Database, personId: string, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  return await inTransaction(database.kysely, async trx => {
    const person = await lockPerson(trx, personId)
    const all = await passkeysOf(trx, personId)
    const removed = all.find(one => one.id === id.toLowerCase())
    if (person === undefined || removed === undefined) return false
    if (all.length === 1 && person.password_hash === null && !(await isFromProvider(trx, personId))) {
      throw new CatalogError('This passkey is all that you can sign in with', {
        code: 'CONFLICT',
        hint: 'Set a password or add another passkey first.',
      })
    }
    await trx.deleteFrom('passkeys').where('id', '=', removed.id).execute()
    const details = { name: person.name, passkey: removed.id, rp_id: removed.rp_id }
    const of = { object: person.id, projectId: person.project_id, details }
    await addToAudit(trx, { actor: database.actor, act: 'passkey.remove', ...of })
    return true
  })
}
