import { createHash, randomBytes } from 'node:crypto'
import { type RawBuilder, type Selectable, sql, type Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkProjectId, checkText, checkTime, isUuid } from '#input-checks.ts'
import { API_SCOPES, type ApiKey, type ApiScope } from '#keys/types.key.ts'
import { lockByName } from '#named-locks.ts'

const PREFIX = 'tbk_'
/** How precisely the last use is recorded. */
const LAST_USE_EVERY_MS = 60_000

/**
 * Makes a key of `tbk_` and 256 random bits; only this call returns it. CatalogError INVALID, CONFLICT when
 * the project has too many.
 */
export async function createApiKey(
  database: Database,
  of: {
    name: string
    scopes: readonly ApiScope[]
    projectId?: string | undefined
    expiresAt?: Date | undefined
    /** How many keys in use the project may have, this one included; unlimited if left out. */
    most?: number | undefined
  },
): Promise<{ apiKey: ApiKey; key: string }> {
  checkText('name of a key', of.name)
  if (of.projectId !== undefined) checkProjectId(of.projectId)
  if (of.expiresAt !== undefined) checkTime('expiry', of.expiresAt)
  if (of.scopes.length === 0 || of.scopes.some(scope => !API_SCOPES.includes(scope))) {
    throw new CatalogError('Not a valid list of scopes', {
      code: 'INVALID',
      hint: `Use some of ${API_SCOPES.join(', ')}.`,
    })
  }
  const key = `${PREFIX}${randomBytes(32).toString('base64url')}`
  const apiKey = await inTransaction(database.kysely, async trx => {
    if (of.most !== undefined) await assertRoom(trx, of.projectId ?? null, of.most)
    const row = await trx
      .insertInto('api_keys')
      .values({
        name: of.name,
        key_hash: hashOf(key),
        prefix: key.slice(0, PREFIX.length + 6),
        scopes: [...new Set(of.scopes)],
        project_id: of.projectId ?? null,
        expires_at: of.expiresAt ?? null,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    const { id, name, scopes, project_id: projectId } = row
    const details = { name, scopes, expires_at: row.expires_at?.toISOString() ?? null }
    await addToAudit(trx, { actor: database.actor, act: 'key.create', object: id, projectId, details })
    return withoutHash(row)
  })
  return { apiKey, key }
}

async function assertRoom(
  trx: Transaction<CatalogSchema>,
  projectId: string | null,
  most: number,
): Promise<void> {
  // Concurrent calls wait here, so that the second counts the first.
  await lockByName(trx, 'control_plane: keys')
  const { count } = await trx
    .selectFrom('api_keys')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where(sql<boolean>`project_id is not distinct from ${projectId}::text`)
    .where(isGood)
    .executeTakeFirstOrThrow()
  if (count < most) return
  throw new CatalogError(`There are ${count} keys in use, and there may be no more than ${most}`, {
    code: 'CONFLICT',
    hint: 'Revoke those that nobody uses.',
  })
}

/**
 * The record of a key; null for a key that is unknown, expired or revoked. The key is looked up by its hash,
 * so that the time of the lookup reveals nothing about keys. The last use is recorded once a minute at most.
 */
export async function findApiKey(database: Database, key: string): Promise<ApiKey | null> {
  const row = await database.kysely
    .selectFrom('api_keys')
    .selectAll()
    .select(notUsedLately.as('is_stale'))
    .where('key_hash', '=', hashOf(key))
    .where(isGood)
    .executeTakeFirst()
  if (row === undefined) return null
  if (row.is_stale) await noteUse(database, row.id)
  const { is_stale: _, ...found } = row
  return withoutHash(found)
}

/** Whether a key can be used. */
export const isGood: RawBuilder<boolean> = sql<boolean>`(revoked_at is null and (expires_at is null or expires_at > clock_timestamp()))`

const notUsedLately = sql<boolean>`(last_used_at is null
  or last_used_at < clock_timestamp() - ${LAST_USE_EVERY_MS} * interval '1 millisecond')`

/** Only one of many requests at once writes. */
async function noteUse(database: Database, id: string): Promise<void> {
  await database.kysely
    .updateTable('api_keys')
    .set({ last_used_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where(notUsedLately)
    .execute()
}

/** All keys, also revoked and expired ones, oldest first. */
export async function listApiKeys(database: Database): Promise<ApiKey[]> {
  const rows = await database.kysely
    .selectFrom('api_keys')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(withoutHash)
}

/** One key, also a revoked or expired one; null for an unknown id or one that is no UUID. */
export async function getApiKey(database: Database, id: string): Promise<ApiKey | null> {
  if (!isUuid(id)) return null
  const row = await database.kysely.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : withoutHash(row)
}

/** One page of keys, newest first; one of `projectId` alone leaves out those for all projects. */
export async function pageApiKeys(
  { kysely }: Database,
  of: {
    projectId?: string | undefined
    after?: { createdAt: Date; id: string } | undefined
    limit: number
  },
): Promise<ApiKey[]> {
  checkCount('limit', of.limit, 1)
  let query = kysely.selectFrom('api_keys').selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc')
  if (of.projectId !== undefined) query = query.where('project_id', '=', of.projectId)
  if (of.after !== undefined) {
    const { createdAt, id } = of.after
    query = query.where(sql<boolean>`(created_at, id) < (${createdAt}, ${id}::uuid)`)
  }
  return (await query.limit(of.limit).execute()).map(withoutHash)
}

/** False for an unknown id. A revoked key stays in the list. */
export async function revokeApiKey(database: Database, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  return await inTransaction(database.kysely, async trx => {
    const before = await trx
      .selectFrom('api_keys')
      .select(['name', 'project_id', 'revoked_at'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (before === undefined) return false
    if (before.revoked_at !== null) return true
    await trx
      .updateTable('api_keys')
      .set({ revoked_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', id)
      .execute()
    const { name, project_id: projectId } = before
    const of = { object: id.toLowerCase(), projectId, details: { name } }
    await addToAudit(trx, { actor: database.actor, act: 'key.revoke', ...of })
    return true
  })
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function withoutHash({ key_hash, ...rest }: Selectable<CatalogSchema['api_keys']>): ApiKey {
  return rest
}
