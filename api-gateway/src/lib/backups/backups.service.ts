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

/** Where to ask: an open catalog. Without one, DATABASE_URL's or the embedded one is opened at first use. */
export interface CatalogOption {
  database?: Database
}

/** What to leave out, and which page. Without a limit, all. */
export interface BackupQuery extends CatalogOption {
  type?: BackupType
  state?: BackupState
  limit?: number
  offset?: number
}

/**
 * Records a backup that is already in Telegram as complete. Throws a `BackupError` (`INVALID` for input that breaks a
 * range, `CONFLICT` for an id that exists); so do all functions here.
 */
export function createBackup(input: CreateBackupInput, options: CatalogOption = {}): Promise<Backup> {
  return ask(options, database => catalog.createBackup(database, input))
}

/** A project's backups in every state, newest first, and how many there are on all pages. */
export function queryByProject(
  projectId: string,
  query: BackupQuery = {},
  options: CatalogOption = query,
): Promise<BackupPage> {
  return ask(options, database => catalog.queryByProject(database, projectId, filterOf(query)))
}

/** The backups of all projects, or of one, newest first. */
export function listBackups(
  query: BackupQuery & { projectId?: string | undefined },
  options: CatalogOption = query,
): Promise<BackupPage> {
  const { projectId } = query
  const filter = { ...filterOf(query), ...(projectId === undefined ? {} : { projectId }) }
  return ask(options, database => catalog.queryBackups(database, filter))
}

/** One backup; null for an unknown id. */
export function getBackupById(id: string, options: CatalogOption = {}): Promise<Backup | null> {
  return ask(options, database => catalog.getBackupById(database, id))
}

/** One backup with its messages and its history; null for an unknown id. */
export function getBackupDetails(id: string, options: CatalogOption = {}): Promise<BackupDetails | null> {
  return ask(options, database => catalog.getBackupDetails(database, id))
}

/** Changes what may change; null for an unknown id. */
export function updateBackup(
  id: string,
  changes: UpdateBackupInput,
  options: CatalogOption = {},
): Promise<Backup | null> {
  return ask(options, database => catalog.updateBackup(database, id, changes))
}

/**
 * Marks a backup `erasing`; there is no chat at hand here, so its messages go when `expire`, `reconcile` or `serve`
 * next runs. False for an unknown id, or one that is being erased or erased already.
 */
export function deleteBackup(id: string, options: CatalogOption = {}): Promise<boolean> {
  return ask(options, database => catalog.deleteBackup(database, id))
}

/** A project's backups of one type, created from `from` to `to`, both included, newest first; without a project, everybody's. */
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
  const filter = { ...filterOf(query), ...(projectId === undefined ? {} : { projectId }) }
  return ask(options, database => catalog.queryByTypeAndDateRange(database, type, from, to, filter))
}

/** Counts the complete backups of a project, or of all. */
export function getBackupStats(
  projectId?: string | CatalogOption,
  options: CatalogOption = optionsIn(projectId),
): Promise<BackupStats> {
  return ask(options, database => catalog.getBackupStats(database, projectIn(projectId)))
}

/**
 * Marks the complete backups `erasing` that retention no longer keeps, of a project or of all, and returns how many. What a
 * policy keeps stays, and so do pinned ones, all of a source whose backups have stopped, and the last good one of a
 * project and type. Whoever calls this gives the word that many may go where `expires_at` alone decides, but not where there is a
 * policy.
 */
export function deleteExpiredBackups(
  projectId?: string | CatalogOption,
  options: CatalogOption = optionsIn(projectId),
): Promise<number> {
  const project = projectIn(projectId)
  return ask(options, async database => {
    // Loaded here: it knows schedules and their times, which no other of these functions asks for.
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

// Where the project may be left out, the options may come first.
function projectIn(first: string | CatalogOption | undefined): string | undefined {
  return typeof first === 'string' ? first : undefined
}

function optionsIn(first: string | CatalogOption | undefined): CatalogOption {
  return typeof first === 'object' ? first : {}
}

function filterOf({ type, state, limit, offset }: BackupQuery): Omit<BackupQuery, 'database'> {
  return {
    ...(type === undefined ? {} : { type }),
    ...(state === undefined ? {} : { state }),
    ...(limit === undefined ? {} : { limit }),
    ...(offset === undefined ? {} : { offset }),
  }
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
