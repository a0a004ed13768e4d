import { type Kysely, sql } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkUuid } from '#input-checks.ts'

/** The catalog that chats of ours belong to. */
export interface CatalogIdentity {
  /** UUID. */
  catalogId: string
  /** From 1; grows each time a catalog is rebuilt from the chat. */
  generation: number
  /** Neither a backup nor a pack was ever made with it, and no chat has its index. */
  isEmpty: boolean
  /** A recovery is under way or was interrupted: nothing else may work with the catalog. */
  isRecovering: boolean
}

export async function catalogIdentity(database: Database): Promise<CatalogIdentity> {
  const catalog = await database.kysely
    .selectFrom('catalog')
    .select(['id', 'generation', 'recovering', hasNothing.as('is_empty')])
    .executeTakeFirstOrThrow()
  const { id: catalogId, generation, is_empty: isEmpty, recovering: isRecovering } = catalog
  return { catalogId, generation, isEmpty, isRecovering }
}

const hasNothing = sql<boolean>`not exists (select from control_plane.backups)
  and not exists (select from control_plane.packs)
  and not exists (select from control_plane.chats where index_message_id is not null)`

/**
 * Makes this catalog the owner of a chat. An empty catalog takes the given id; another one keeps its own. The
 * generation never decreases.
 */
export async function takeOver(
  database: Database,
  owner: { catalogId: string; generation: number },
): Promise<void> {
  checkUuid('catalog id', owner.catalogId)
  checkCount('generation', owner.generation, 1)
  await inTransaction(database.kysely, async trx => {
    await lockCatalog(trx)
    await sql`
      update control_plane.catalog
         set id = case when ${hasNothing} then ${owner.catalogId}::uuid else id end,
             generation = greatest(generation, ${owner.generation}::int)
    `.execute(trx)
  })
}

/**
 * Before a backup is imported. A recovery that goes on after a kill is the same one: the audit has one entry
 * of it, not one for each backup.
 */
export async function beginRecovery(database: Database): Promise<void> {
  await inTransaction(database.kysely, async trx => {
    const begun = await trx
      .updateTable('catalog')
      .set({ recovering: true })
      .where('recovering', '=', false)
      .returning('id')
      .executeTakeFirst()
    if (begun === undefined) return
    const { actor } = database
    await addToAudit(trx, { actor, act: 'catalog.recover', object: begun.id, projectId: null })
  })
}

/** When everything is imported and the chat has the index of this catalog. */
export async function endRecovery(database: Database): Promise<void> {
  await database.kysely.updateTable('catalog').set({ recovering: false }).execute()
}

async function lockCatalog(kysely: Kysely<CatalogSchema>): Promise<void> {
  await kysely.selectFrom('catalog').select('id').forUpdate().execute()
}
