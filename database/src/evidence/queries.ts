import { type SelectQueryBuilder, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import type { Evidence } from '#evidence/chain.ts'
import { isUuid } from '#input-checks.ts'

export interface EvidenceFilter {
  projectId?: string | undefined
  backupId?: string | undefined
  kind?: Evidence['kind'] | undefined
  /** Not before this time. */
  from?: Date | undefined
  /** Not after this time. */
  to?: Date | undefined
}

/** Records, newest first: those after a record of the list, and at most so many. */
export async function listEvidence(
  database: Database,
  filter: EvidenceFilter & {
    after?: Pick<Evidence, 'at' | 'id'> | undefined
    limit?: number | undefined
  } = {},
): Promise<Evidence[]> {
  const { after, limit } = filter
  let query = filtered(database, filter).orderBy('at', 'desc').orderBy('id')
  if (after !== undefined) {
    query = query.where(({ eb, or, and }) =>
      or([eb('at', '<', after.at), and([eb('at', '=', after.at), eb('id', '>', after.id)])]),
    )
  }
  if (limit !== undefined) query = query.limit(limit)
  return await query.execute()
}

/** Null for an unknown id, or one that is no UUID. */
export async function getEvidence(database: Database, id: string): Promise<Evidence | null> {
  if (!isUuid(id)) return null
  const found = await filtered(database, {}).where('id', '=', id).executeTakeFirst()
  return found ?? null
}

/** The reviews of a record, oldest first. */
export async function reviewsOf(database: Database, id: string): Promise<Evidence[]> {
  return await filtered(database, {}).where('reviewed_id', '=', id).orderBy('at').execute()
}

/** The records whose id begins with `prefix` of at least 8 characters; newest first, `most` at most. */
export async function evidenceByPrefix(
  database: Database,
  prefix: string,
  most: number,
): Promise<Evidence[]> {
  if (!/^[0-9a-f]{8}[0-9a-f-]{0,28}$/i.test(prefix)) return []
  return await filtered(database, {})
    .where(sql<boolean>`id::text like ${`${prefix.toLowerCase()}%`}`)
    .orderBy('at', 'desc')
    .limit(most)
    .execute()
}

function filtered(
  { kysely }: Database,
  { projectId, backupId, kind, from, to }: EvidenceFilter,
): SelectQueryBuilder<CatalogSchema, 'evidence', Evidence> {
  let query = kysely.selectFrom('evidence').selectAll()
  if (projectId !== undefined) query = query.where('project_id', '=', projectId)
  if (backupId !== undefined) query = query.where('backup_id', '=', backupId)
  if (kind !== undefined) query = query.where('kind', '=', kind)
  if (from !== undefined) query = query.where('at', '>=', from)
  if (to !== undefined) query = query.where('at', '<=', to)
  return query
}
