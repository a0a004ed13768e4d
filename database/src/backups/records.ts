import { sql, type Transaction } from 'kysely'
import {
  checkCount,
  checkProjectId,
  checkText,
  checkTime,
  checkType,
  checkUuid,
  isUuid,
} from '#backups/input-checks.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import type {
  Backup,
  BackupState,
  CreateBackupInput,
  JsonObject,
  UpdateBackupInput,
} from '#jobs/types.backup.ts'

/**
 * Records a backup that is already in the chat, as complete. Makes its project if need be. CatalogError INVALID
 * for a bad value, CONFLICT when the id exists.
 */
export async function createBackup(database: Database, input: CreateBackupInput): Promise<Backup> {
  checkProjectId(input.project_id)
  checkType(input.type)
  checkText('file_id', input.file_id)
  checkCount('size', input.size)
  if (input.id !== undefined) checkUuid('id', input.id)
  if (input.created_at !== undefined) checkTime('created_at', input.created_at)
  if (input.expires_at !== undefined) checkTime('expires_at', input.expires_at)
  const { source, ...columns } = input
  return await database.kysely.transaction().execute(async trx => {
    await ensureProject(trx, input.project_id)
    const backup = await trx
      .insertInto('backups')
      .values({
        ...columns,
        source: source === undefined ? null : JSON.stringify(source),
        state: 'complete',
        completed_at: sql<Date>`now()`,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    await addToHistory(trx, { backupId: backup.id, event: 'created', actor: database.actor })
    return backup
  })
}

/** Makes the project when it does not exist. */
export async function ensureProject(trx: Transaction<CatalogSchema>, id: string): Promise<void> {
  await trx
    .insertInto('projects')
    .values({ id })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

/** One backup; null for an unknown id, also for one that is no UUID. */
export async function getBackupById(database: Database, id: string): Promise<Backup | null> {
  if (!isUuid(id)) return null
  const backup = await database.kysely
    .selectFrom('backups')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
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
 * Changes what is given, and writes it into the history: as event `updated`, or as the new state's name. Null for
 * an unknown id. CatalogError CONFLICT for a step that the state does not allow, see UpdateBackupInput.
 */
export async function updateBackup(
  database: Database,
  id: string,
  patch: UpdateBackupInput,
): Promise<Backup | null> {
  if (!isUuid(id)) return null
  if (patch.file_id !== undefined) checkText('file_id', patch.file_id)
  if (patch.restore_count !== undefined) checkCount('restore_count', patch.restore_count)
  if (patch.expires_at !== undefined) checkTime('expires_at', patch.expires_at)
  if (patch.damaged_at) checkTime('damaged_at', patch.damaged_at)
  const changes = Object.fromEntries(
    Object.entries(patch).filter(([, value]) => value !== undefined),
  ) as UpdateBackupInput
  return await database.kysely.transaction().execute(async trx => {
    const before = await trx
      .selectFrom('backups')
      .selectAll()
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (!before || Object.keys(changes).length === 0) return before ?? null
    if (changes.state !== undefined && changes.state !== before.state) refuseStep(before.state, changes.state)
    const after = await trx
      .updateTable('backups')
      .set(changes)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()
    const event = after.state === before.state ? 'updated' : after.state
    const details = JSON.parse(JSON.stringify(changes)) as JsonObject
    await addToHistory(trx, { backupId: id, event, actor: database.actor, details })
    return after
  })
}

function refuseStep(from: BackupState, to: BackupState): void {
  if (STEPS[from].includes(to)) return
  throw new CatalogError('CONFLICT', `A backup that is ${from} cannot become ${to}`, {
    hint:
      from === 'sending'
        ? 'Wait until it is sent, cancel its job, or run reconcile when its sender has died.'
        : 'Look at its history.',
  })
}

/**
 * Marks a backup as to be erased, also the last one of its project. True when this call did it; false when it is
 * unknown, or erasing or erased already. CatalogError CONFLICT while it is being sent.
 */
export async function deleteBackup(database: Database, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  return await database.kysely.transaction().execute(async trx => {
    await oneEraserAtATime(trx)
    const before = await trx
      .selectFrom('backups')
      .select('state')
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (!before || before.state === 'erasing' || before.state === 'erased') return false
    refuseStep(before.state, 'erasing')
    await trx.updateTable('backups').set({ state: 'erasing' }).where('id', '=', id).execute()
    await addToHistory(trx, {
      backupId: id,
      event: 'erasing',
      actor: database.actor,
      details: { reason: 'deleted' },
    })
    return true
  })
}

/**
 * Marks complete backups as to be erased whose `expires_at` has come, and returns how many. The newest complete
 * backup of a project and type that is not known to be damaged always stays (the newest damaged one, if there is
 * no other).
 */
export async function deleteExpiredBackups(
  database: Database,
  options: { now?: Date } = {},
): Promise<number> {
  const now = options.now ?? new Date()
  checkTime('now', now)
  return await database.kysely.transaction().execute(async trx => {
    await oneEraserAtATime(trx)
    const { rows } = await sql<{ id: string }>`
      with ranked as (
        select id, expires_at, row_number() over (
          partition by project_id, type
          order by (damaged_at is null) desc, created_at desc, id desc
        ) as place
        from control_plane.backups
        where state = 'complete'
      )
      update control_plane.backups set state = 'erasing'
      where state = 'complete' and id in (select id from ranked where place > 1 and expires_at <= ${now})
      returning id
    `.execute(trx)
    for (const { id } of rows) {
      await addToHistory(trx, {
        backupId: id,
        event: 'erasing',
        actor: database.actor,
        details: { reason: 'expired' },
      })
    }
    return rows.length
  })
}

// Two at once could each leave the other's backup as the last one, and then none is left.
async function oneEraserAtATime(trx: Transaction<CatalogSchema>): Promise<void> {
  await trx.selectFrom('catalog').select('id').forUpdate().execute()
}
