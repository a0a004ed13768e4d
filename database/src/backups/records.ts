import { type Insertable, sql, type Transaction, type Updateable } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { groupColumns } from '#backups/groups.ts'
import { refusePinned } from '#backups/pins.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import {
  checkCount,
  checkProjectId,
  checkText,
  checkTime,
  checkType,
  checkUuid,
  isUuid,
} from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import type {
  Backup,
  BackupState,
  CreateBackupInput,
  JsonObject,
  UpdateBackupInput,
} from '#jobs/types.backup.ts'

/**
 * Records a backup that is already in the chat, as complete. Makes its project if need be. CatalogError
 * INVALID for a bad value, CONFLICT when the id exists.
 */
export async function createBackup(database: Database, input: CreateBackupInput): Promise<Backup> {
  checkProjectId(input.project_id)
  checkType(input.type)
  checkText('file_id', input.file_id)
  checkCount('size', input.size)
  if (input.id !== undefined) checkUuid('id', input.id)
  if (input.created_at !== undefined) checkTime('created_at', input.created_at)
  if (input.expires_at !== undefined) checkTime('expires_at', input.expires_at)
  return await inTransaction(database.kysely, async trx => {
    await ensureProject(trx, input.project_id)
    const backup = await trx
      .insertInto('backups')
      .values({ ...recordOf(input), state: 'complete', completed_at: sql<Date>`now()` })
      .returningAll()
      .executeTakeFirstOrThrow()
    await addToHistory(trx, { backupId: backup.id, event: 'created', actor: database.actor })
    return backup
  })
}

/** Names the columns one by one: a caller in plain JavaScript may have put in anything. */
function recordOf(input: CreateBackupInput): Insertable<CatalogSchema['backups']> {
  return {
    id: input.id,
    project_id: input.project_id,
    type: input.type,
    file_id: input.file_id,
    size: input.size,
    created_at: input.created_at,
    expires_at: input.expires_at,
    expiry_given: input.expires_at !== undefined,
    filename: input.filename ?? null,
    caption: input.caption ?? null,
    chat_id: input.chat_id ?? null,
    bot_id: input.bot_id ?? null,
    encrypted: input.encrypted ?? null,
    archive_size: input.archive_size ?? null,
    plain_sha256: input.plain_sha256 ?? null,
    archive_sha256: input.archive_sha256 ?? null,
    part_count: input.part_count ?? null,
    source: input.source === undefined ? null : JSON.stringify(input.source),
    scheduled_for: input.scheduled_for ?? null,
    ...groupColumns(input.source),
  }
}

export async function ensureProject(trx: Transaction<CatalogSchema>, id: string): Promise<void> {
  await trx
    .insertInto('projects')
    .values({ id })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

/** Null for an unknown id or one that is no UUID. */
export async function getBackupById(
  { kysely }: Pick<Database, 'kysely'>,
  id: string,
): Promise<Backup | null> {
  if (!isUuid(id)) return null
  const backup = await kysely.selectFrom('backups').selectAll().where('id', '=', id).executeTakeFirst()
  return backup ?? null
}

const STEPS: Record<BackupState, readonly BackupState[]> = {
  sending: [],
  complete: ['erasing'],
  failed: ['sending', 'erasing'],
  erasing: ['erased'],
  erased: [],
}

/**
 * Changes the given fields, and adds the event `updated` or the name of the new state to the history. Null
 * for an unknown id. CatalogError INVALID for a bad value, CONFLICT for a step that the state does not allow
 * (see UpdateBackupInput).
 */
export async function updateBackup(
  database: Database,
  id: string,
  patch: UpdateBackupInput,
): Promise<Backup | null> {
  if (!isUuid(id)) return null
  const changes = changesOf(patch)
  return await inTransaction(database.kysely, async trx => {
    const before = await lockBackup(trx, id, changes.state)
    if (!before || Object.keys(changes).length === 0) return before ?? null
    const details = JSON.parse(JSON.stringify(changes)) as JsonObject
    return await change(trx, before, changes, { actor: database.actor, details })
  })
}

/** Locks the backup; before a step to `erasing` it also excludes other erasers. */
async function lockBackup(
  trx: Transaction<CatalogSchema>,
  id: string,
  nextState: BackupState | undefined,
): Promise<Backup | undefined> {
  if (nextState === 'erasing') await oneEraserAtATime(trx)
  return await trx.selectFrom('backups').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
}

async function change(
  trx: Transaction<CatalogSchema>,
  before: Backup,
  changes: Updateable<CatalogSchema['backups']>,
  note: { actor: string; details: JsonObject },
): Promise<Backup> {
  const step = changes.state !== undefined && changes.state !== before.state ? changes.state : undefined
  if (step) refuseStep(before.state, step)
  if (step === 'erasing') await refusePinned(trx, before.id)
  const after = await trx
    .updateTable('backups')
    .set({ ...changes, ...(step === 'sending' && { error: null }) })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await addToHistory(trx, { ...note, backupId: before.id, event: step ?? 'updated' })
  if (step === 'erasing') await addToAudit(trx, { ...note, act: 'backup.erase', backupId: before.id })
  return after
}

function changesOf(patch: UpdateBackupInput): Updateable<CatalogSchema['backups']> {
  const { state, file_id, size, bot_id, expires_at, restore_count, filename, caption, damaged_at } = patch
  if (file_id !== undefined) checkText('file_id', file_id)
  if (size !== undefined) checkCount('size', size)
  if (restore_count !== undefined) checkCount('restore_count', restore_count)
  if (expires_at !== undefined) checkTime('expires_at', expires_at)
  if (damaged_at != null) checkTime('damaged_at', damaged_at)
  const expiry_given = expires_at === undefined ? undefined : true
  const named = {
    state,
    file_id,
    size,
    bot_id,
    expires_at,
    expiry_given,
    restore_count,
    filename,
    caption,
    damaged_at,
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
}

/** CatalogError CONFLICT unless a backup may go from one state to the other. */
export function refuseStep(from: BackupState, to: BackupState): void {
  if (STEPS[from].includes(to)) return
  throw new CatalogError(`A backup that is ${from} cannot become ${to}`, {
    code: 'CONFLICT',
    hint:
      from === 'sending'
        ? 'Wait until it is sent, cancel its job, or run reconcile if its process has died.'
        : 'Look at its history.',
  })
}

/**
 * Makes a backup `erasing`, also the last one of its project. True when this call did it; false when it is
 * unknown, or erasing or erased already. CatalogError CONFLICT while it is being sent, or pinned.
 */
export async function deleteBackup(database: Database, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  return await inTransaction(database.kysely, async trx => {
    const before = await lockBackup(trx, id, 'erasing')
    if (!before || before.state === 'erasing' || before.state === 'erased') return false
    await change(trx, before, { state: 'erasing' }, { actor: database.actor, details: { reason: 'deleted' } })
    return true
  })
}

/**
 * To be called before a backup becomes `erasing`: two at once could each leave the other’s backup as the
 * last.
 */
export async function oneEraserAtATime(trx: Transaction<CatalogSchema>): Promise<void> {
  await trx.selectFrom('catalog').select('id').forUpdate().execute()
  await knowRetention(trx)
}

/**
 * Tells the triggers that this program respects pins, policies, tags in policies, and groups; they refuse
 * `erasing` from programs that do not.
 */
export async function knowRetention(trx: Transaction<CatalogSchema>): Promise<void> {
  await sql`
    select pg_catalog.set_config('telegram_backup.knows_retention', 'on', true),
           pg_catalog.set_config('telegram_backup.knows_tags', 'on', true),
            pg_catalog.set_config('telegram_backup.knows_groups', 'on', true)`.execute(trx)
}
