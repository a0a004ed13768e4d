import type {
  Backup,
  BackupDetails,
  BackupPage,
  BackupState,
  BackupStats,
  BackupType,
  CreateBackupInput,
  Database,
  UpdateBackupInput,
} from '@telegram-backup/database'
import * as catalog from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import { defaultCatalog } from '#lib/backups/default-catalog.ts'

/** An open catalog. Without one, the first call opens the one of DATABASE_URL, or the embedded one. */
export interface CatalogOption {
  database?: Database
}

/** Filters, and a page; without a limit, all backups. */
export interface BackupQuery extends CatalogOption {
  type?: BackupType | undefined
  state?: BackupState | undefined
  limit?: number
  offset?: number
}

/**
 * Records a backup that is already in Telegram as complete. As all functions here, it throws a `BackupError`:
 * `INVALID` for a value out of range, `CONFLICT` for an id that exists.
 */
export function createBackup(input: CreateBackupInput, options: CatalogOption = {}): Promise<Backup> {
  return ask(options, database => catalog.createBackup(database, input))
}

/** The backups of a project in every state, newest first, and their number on all pages. */
export function queryByProject(
  projectId: string,
  query: BackupQuery = {},
  options: CatalogOption = query,
): Promise<BackupPage> {
  return ask(options, database => catalog.queryByProject(database, projectId, query))
}

/** The backups of all projects, or of one, newest first. */
export function listBackups(
  query: BackupQuery & { projectId?: string | undefined },
  options: CatalogOption = query,
): Promise<BackupPage> {
  return ask(options, database => catalog.queryBackups(database, query))
}

/** One backup; null for an unknown id. */
export function getBackupById(id: string, options: CatalogOption = {}): Promise<Backup | null> {
  return ask(options, database => catalog.getBackupById(database, id))
}

/** One backup, with its messages and its history; null for an unknown id. */
export function getBackupDetails(id: string, options: CatalogOption = {}): Promise<BackupDetails | null> {
  return ask(options, database => catalog.getBackupDetails(database, id))
}

/** Returns the changed backup; null for an unknown id. */
export function updateBackup(
  id: string,
  changes: UpdateBackupInput,
  options: CatalogOption = {},
): Promise<Backup | null> {
  return ask(options, database => catalog.updateBackup(database, id, changes))
}

/**
 * Marks a backup `erasing`. Its messages are deleted when `expire`, `reconcile` or `serve` runs next. Returns
 * false for an unknown id, and for a backup that is being erased or is erased already.
 */
export function deleteBackup(id: string, options: CatalogOption = {}): Promise<boolean> {
  return ask(options, database => catalog.deleteBackup(database, id))
}

/**
 * The backups of a project, or of all, of one type, created from `from` to `to` (inclusive), newest first.
 */
export function queryByTypeAndDateRange(
  projectId: string,
  type: BackupType,
  from: Date,
  to: Date,
  query?: Omit<BackupQuery, 'type' | 'state'>,
  options?: CatalogOption,
): Promise<BackupPage>
export function queryByTypeAndDateRange(
  type: BackupType,
  from: Date,
  to: Date,
  query?: Omit<BackupQuery, 'type' | 'state'>,
  options?: CatalogOption,
): Promise<BackupPage>
export function queryByTypeAndDateRange(...given: unknown[]): Promise<BackupPage> {
  const projectId = given[1] instanceof Date ? undefined : (given.shift() as string)
  const [type, from, to, query = {}, options = query] = given as [
    BackupType,
    Date,
    Date,
    BackupQuery?,
    CatalogOption?,
  ]
  return ask(options, database =>
    catalog.queryByTypeAndDateRange(database, type, from, to, { ...query, projectId }),
  )
}

/** Counts the complete backups of a project, or of all. */
export function getBackupStats(
  projectId?: string | CatalogOption,
  options: CatalogOption = optionsIn(projectId),
): Promise<BackupStats> {
  return ask(options, database => catalog.getBackupStats(database, projectIn(projectId)))
}

/**
 * Marks the complete backups of a project, or of all, `erasing` that retention does not keep, and returns
 * their number. It keeps what a policy keeps, pinned backups, the last good backup of each project and type,
 * and all backups of a source whose backups have stopped. A call confirms that many may be removed at once
 * where only `expires_at` decides, but not where there is a policy.
 */
export function deleteExpiredBackups(
  projectId?: string | CatalogOption,
  options: CatalogOption = optionsIn(projectId),
): Promise<number> {
  const project = projectIn(projectId)
  return ask(options, async database => {
    // Loaded here: no other function of this file needs schedules and their times.
    const { planRetention } = await import('@telegram-backup/engine/retention/catalog-plan.ts')
    const plan = await planRetention(database)
    const going = plan.filter(
      ({ backup, decision, needsWord, hasPolicy }) =>
        backup.state === 'complete' &&
        (project === undefined || backup.project_id === project) &&
        (decision === 'erase' || (needsWord && !hasPolicy)),
    )
    return await catalog.markExpired(
      database,
      going.map(({ backup }) => backup.id),
    )
  })
}

// Without a project, the options come first.
function projectIn(first: string | CatalogOption | undefined): string | undefined {
  return typeof first === 'string' ? first : undefined
}

function optionsIn(first: string | CatalogOption | undefined): CatalogOption {
  return typeof first === 'object' ? first : {}
}

async function ask<Answer>(
  options: CatalogOption,
  question: (database: Database) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await question(options.database ?? (await defaultCatalog()))
  } catch (error) {
    if (error instanceof BackupError) throw error
    const { message, ...details } = describeError(error)
    throw new BackupError(message, { ...details, cause: error })
  }
}
