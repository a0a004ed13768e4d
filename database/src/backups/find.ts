import { type SelectQueryBuilder, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkedTag } from '#input-checks.ts'
import type { Backup } from '#jobs/types.backup.ts'

/** What tells one backup from another for a person who looks for one. */
export type BackupLabel = Pick<Backup, (typeof LABEL)[number]>

const LABEL = [
  'id',
  'project_id',
  'type',
  'source_name',
  'created_at',
  'state',
  'damaged_at',
  'recovered_trust',
  'group_id',
] as const

/**
 * The backups whose id begins with `prefix` of at least 8 characters, as in file names in the chat; newest
 * first, `most` at most. None for what begins no id.
 */
export async function backupsByPrefix(
  database: Database,
  prefix: string,
  most: number,
): Promise<BackupLabel[]> {
  if (!/^[0-9a-f]{8}[0-9a-f-]{0,28}$/i.test(prefix)) return []
  return await newestFirst(database)
    .where(sql<boolean>`id::text like ${`${prefix.toLowerCase()}%`}`)
    .limit(most)
    .execute()
}

/** Among which backups the newest is looked for; an absent field matches everything. */
export interface NewestFilter {
  projectId?: string | undefined
  sourceName?: string | undefined
  /** Made earlier than this. */
  before?: Date | undefined
  tag?: string | undefined
}

/** The newest good backup, and the newer ones that are not good. */
export interface NewestBackup {
  found: BackupLabel | undefined
  /** Newer than `found` and not erased, newest first, `MOST_SKIPPED` at most. */
  skipped: BackupLabel[]
}

const MOST_SKIPPED = 4

/**
 * The newest backup that a person may rely on: complete, not known to be damaged, and described by more than
 * captions, which anyone who has the bot's token can write.
 */
export async function newestBackup(database: Database, filter: NewestFilter): Promise<NewestBackup> {
  const found = await matching(newestFirst(database), filter).where(IS_GOOD).limit(1).executeTakeFirst()
  let others = matching(newestFirst(database), filter).where('state', '<>', 'erased').where(IS_NOT_GOOD)
  if (found !== undefined)
    others = others.where(sql<boolean>`(created_at, id) > (${found.created_at}, ${found.id}::uuid)`)
  return { found, skipped: await others.limit(MOST_SKIPPED).execute() }
}

/** The newest good backup of each project that has one under that source name; ten projects at most. */
export async function newestByProject(
  database: Database,
  filter: NewestFilter & { sourceName: string },
): Promise<BackupLabel[]> {
  return await matching(database.kysely.selectFrom('backups').select(LABEL), filter)
    .distinctOn('project_id')
    .where(IS_GOOD)
    .orderBy('project_id')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(10)
    .execute()
}

/** Whether any backup, also one that is gone, was made of a source of that name. */
export async function hasSource(database: Database, sourceName: string): Promise<boolean> {
  const one = await database.kysely
    .selectFrom('backups')
    .select('id')
    .where('source_name', '=', sourceName)
    .limit(1)
    .executeTakeFirst()
  return one !== undefined
}

const IS_GOOD = sql<boolean>`(state = 'complete' and damaged_at is null and recovered_trust is distinct from 0)`
const IS_NOT_GOOD = sql<boolean>`not ${IS_GOOD}`

function newestFirst(database: Database): SelectQueryBuilder<CatalogSchema, 'backups', BackupLabel> {
  return database.kysely
    .selectFrom('backups')
    .select(LABEL)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
}

function matching<Row>(
  backups: SelectQueryBuilder<CatalogSchema, 'backups', Row>,
  { projectId, sourceName, before, tag }: NewestFilter,
): SelectQueryBuilder<CatalogSchema, 'backups', Row> {
  let query = backups
  if (projectId !== undefined) query = query.where('project_id', '=', projectId)
  if (sourceName !== undefined) query = query.where('source_name', '=', sourceName)
  if (tag !== undefined) query = query.where(sql<boolean>`tags @> array[${checkedTag(tag)}]`)
  if (before !== undefined) query = query.where('created_at', '<', before)
  return query
}
