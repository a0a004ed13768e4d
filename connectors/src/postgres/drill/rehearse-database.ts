import { randomBytes } from 'node:crypto'
import { BackupError, describeError, hint, option } from '@telegram-backup/errors'
import type { DrillPlace } from '#drilling.ts'
import { atDatabase, type PostgresConnection, type PostgresTarget } from '#postgres/connection.ts'
import {
  makeRestrictedRoles,
  makeSuperusers,
  openToRestorer,
  type RestrictedRoles,
  restrictedAt,
} from '#postgres/drill/restricted-restore.ts'
import { assertServerHas, needsIn } from '#postgres/drill/server-needs.ts'
import { queryJson } from '#postgres/psql.ts'
import { type DatabasePlan, planDatabaseRestore } from '#postgres/restore/database-plan.ts'
import type { DatabaseProperties } from '#postgres/restore/database-properties.ts'
import { dropGarbage, restoreInOneTransaction } from '#postgres/restore/restore-database.ts'
import { StagingDatabase } from '#postgres/restore/staging-database.ts'
import { RESTORE_SESSION, STAGING_SESSION } from '#postgres/restore/target-database.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OpenBytes } from '#restoring.ts'

/** Rehearsal databases have names that begin with this. */
const NAME = 'telegram_backup_drill'

/** A restore into a database that is dropped again. */
export interface Rehearsal {
  backup: Pick<RecordedBackup, 'id' | 'source' | 'size'>
  connection: PostgresConnection
  open: OpenBytes
  /** Make missing roles, and drop them afterwards. */
  createRoles: boolean
  /** Use the locale C where the server lacks that of the backup: nobody restores to this server. */
  mayDifferInLocale: boolean
  /** On a temporary server: the roles that run the dump. Default: the role of the connection. */
  as?: RestrictedRoles | 'superusers' | undefined
  /** Called once the restore is committed, before `look`. */
  onRestored?: (() => void) | undefined
  signal: AbortSignal
}

/** Who made the restored database, for what its reader has no right to. */
export interface Maker {
  connection: PostgresConnection
  isSuperuser: boolean
  /** Undefined where the maker reads. */
  reader: string | undefined
}

export interface Rehearsed<Seen> {
  seen: Seen
  /** Such as `17.2`. */
  serverVersion: string
  /** For people: another locale, a role that stays. */
  notes: string[]
}

/**
 * Restores into a new database, as `restoreDatabase` does, looks at the result, and drops it. If this process
 * is killed, its psql drops the database; what is left even then, the next rehearsal drops. Throws what a
 * restore throws.
 */
export async function rehearseDatabase<Seen>(
  of: Rehearsal,
  look: (reader: PostgresConnection, psql: string, maker: Maker) => Promise<Seen>,
): Promise<Rehearsed<Seen>> {
  const { backup, open, as, signal } = of
  const planned = await planRehearsal({ ...of, isTemporary: as !== undefined })
  await dropGarbage(planned, signal)
  const restricted = as === 'superusers' ? undefined : as
  const plan =
    restricted !== undefined
      ? await makeRestrictedRoles(planned, { backup, as: restricted, signal })
      : as === 'superusers'
        ? await makeSuperusers(planned, { backup, signal })
        : planned
  const mark = randomBytes(4).toString('hex')
  const notes: string[] = []
  if (restricted === undefined && plan.target.server.isSuperuser) {
    notes.push('The statements of the dump ran as a superuser of that server.')
  }
  const staging = await createStaging(plan, { mark, mayDifferInLocale: of.mayDifferInLocale, notes })
  let seen: Seen
  let areRolesMade = false
  try {
    const database = staging.connection
    if (restricted) await openToRestorer(plan, { database, as: restricted, signal })
    const { restorer, reader } = restricted
      ? restrictedAt(restricted, database)
      : { restorer: database, reader: database }
    await restoreInOneTransaction(plan, {
      connection: restorer,
      session: `${RESTORE_SESSION} ${mark}`,
      open,
      signal,
    })
    areRolesMade = true
    of.onRestored?.()
    const { isSuperuser } = plan.target.server
    const maker = { connection: database, isSuperuser, reader: restricted?.roles.reader }
    seen = await look(reader, plan.psql.path, maker)
  } catch (error) {
    await staging.discard().catch(() => {})
    // Before the commit, none was made: a role of that name is somebody else's.
    if (areRolesMade) await dropRoles(plan, notes)
    if (signal.aborted && describeError(error).code !== 'UNKNOWN_OUTCOME') {
      throw new BackupError('Cancelled; the database of the drill was dropped', { code: 'CANCELLED' })
    }
    throw error
  }
  await staging.discard()
  await dropRoles(plan, notes)
  return { seen, serverVersion: versionText(plan.target.server.versionNumber), notes }
}

/** `170002` is `17.2`. */
function versionText(versionNumber: number): string {
  return `${Math.floor(versionNumber / 10_000)}.${versionNumber % 10_000}`
}

/** Changes nothing. Throws `CONFIGURATION` for an old server or missing extensions. */
export async function planRehearsal(
  of: Pick<Rehearsal, 'connection' | 'createRoles' | 'signal'> & {
    backup: Pick<RecordedBackup, 'source' | 'size'>
    /** A server of the drill's own. */
    isTemporary?: boolean
    targets?: DrillPlace<PostgresTarget>['targets'] | undefined
  },
): Promise<DatabasePlan> {
  const { backup, connection, createRoles, isTemporary = false, targets, signal } = of
  const plan = await planDatabaseRestore(backup, atDatabase(connection, NAME), {
    ...{ overwrite: false, keepOld: false, createRoles, signal },
  })
  const facts = backup.source ?? {}
  assertNewEnough(plan, facts)
  await assertServerHas(needsIn(facts), {
    connection: plan.target.server.maintenance,
    ...{ isTemporary, targets, psql: plan.psql.path, signal },
  })
  return plan
}

/** A dump may use features that an older server lacks. */
function assertNewEnough({ target }: DatabasePlan, facts: Readonly<Record<string, unknown>>): void {
  const dumped = Math.floor(Number(facts['server_version_num'] ?? 0) / 10_000)
  const major = Math.floor(target.server.versionNumber / 10_000)
  if (dumped <= major) return
  throw new BackupError(`The backup is of PostgreSQL ${dumped}, and the server of the drill is ${major}`, {
    code: 'CONFIGURATION',
    hint: hint`Give a server of this version or newer, and a user that may create databases: ${option('on')} postgresql://USER@HOST/postgres`,
  })
}

async function createStaging(
  plan: DatabasePlan,
  { mark, mayDifferInLocale, notes }: { mark: string; mayDifferInLocale: boolean; notes: string[] },
): Promise<StagingDatabase> {
  const create = (like: DatabaseProperties | undefined): Promise<StagingDatabase> =>
    StagingDatabase.create({
      ...plan,
      ...{ like, staging: `${plan.stem}_restoring_${mark}`, before: `${plan.stem}_before_${mark}` },
      session: `${STAGING_SESSION} ${mark}`,
    })
  try {
    return await create(plan.like)
  } catch (error) {
    const { like } = plan
    const isForLocale = /locale|collation|LC_C|encoding/i.test(describeError(error).message)
    if (!mayDifferInLocale || like === undefined || !isForLocale) throw error
    notes.push(
      `The server of the drill lacks the locale ${like.locale ?? like.collation}; the drill used C instead.`,
    )
    return await create({
      ...like,
      collation: 'C',
      ctype: 'C',
      locale_provider: 'libc',
      locale: null,
      icu_rules: null,
    })
  }
}

/** The new roles own nothing any more, unless somebody has used them meanwhile. */
async function dropRoles({ target, psql, newRoles }: DatabasePlan, notes: string[]): Promise<void> {
  for (const name of newRoles) {
    await queryJson(target.server.maintenance, 'drop role if exists :"name"', {
      psql: psql.path,
      variables: { name },
    }).catch((error: unknown) => {
      notes.push(`The role ${name}, which was made for the drill, stays: ${describeError(error).message}`)
    })
  }
}
