import type { Selectable, Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { catalogClock } from '#clock.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { lockByName } from '#named-locks.ts'

/** A record of evidence, as the catalog keeps it. */
export type Evidence = Selectable<CatalogSchema['evidence']>

/** Where the next record of the chain stands. */
export interface ChainPlace {
  number: number
  /** Undefined for the first record. */
  previous: string | undefined
  catalog_id: string
  /** By the clock of the database; later than the record before. */
  at: Date
}

/** Signs the record for its place; called in the transaction that writes it, possibly more than once. */
export type SignRecord = (place: ChainPlace) => Evidence

/** Adds a record at the end of the chain. A review is an act of a person, so it is in the audit. */
export async function appendEvidence(database: Database, sign: SignRecord): Promise<Evidence> {
  const { actor } = database
  return await inTransaction(database.kysely, async trx => {
    const record = await appendEvidenceIn(trx, sign)
    const { id, kind, project_id: projectId, reviewed_id: object } = record
    if (kind !== 'review' || object === null) return record
    await addToAudit(trx, { actor, act: 'evidence.review', object, projectId, details: { review_id: id } })
    return record
  })
}

/**
 * As `appendEvidence`, in a transaction. One process at a time: the lock lasts until the transaction ends.
 */
export async function appendEvidenceIn(trx: Transaction<CatalogSchema>, sign: SignRecord): Promise<Evidence> {
  await lockByName(trx, 'control_plane: evidence')
  const { id: catalogId } = await trx.selectFrom('catalog').select('id').executeTakeFirstOrThrow()
  const last = await trx
    .selectFrom('evidence')
    .select(['number', 'sha256', 'at'])
    .where('catalog_id', '=', catalogId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const now = await catalogClock({ kysely: trx })
  const at = last === undefined || now > last.at ? now : new Date(last.at.getTime() + 1)
  const number = (last?.number ?? 0) + 1
  const previous = last?.sha256
  return await trx
    .insertInto('evidence')
    .values(sign({ number, previous, catalog_id: catalogId, at }))
    .returningAll()
    .executeTakeFirstOrThrow()
}
