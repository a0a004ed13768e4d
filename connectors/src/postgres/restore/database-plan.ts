import { statfs } from 'node:fs/promises'
import { BackupError, hint, option } from '@telegram-backup/errors'
import { type ClientProgram, knowsRestrict, newestClientProgram } from '#postgres/client-programs.ts'
import type { PostgresConnection } from '#postgres/connection.ts'
import { type DatabaseProperties, rolesOf } from '#postgres/restore/database-properties.ts'
import { checkRoles, underOwners } from '#postgres/restore/owner-plan.ts'
import {
  beyondRights,
  type RestoringRole,
  readRestoringRole,
  rightsBeyond,
  rolesIn,
} from '#postgres/restore/restoring-role.ts'
import { inspectTarget, type Target } from '#postgres/restore/target-database.ts'
import { quoteName, stemOf } from '#postgres/sql-text.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OwnerWishes } from '#restoring.ts'

export interface DatabaseRestoreOptions {
  overwrite: boolean
  keepOld: boolean
  createRoles: boolean
  owners?: OwnerWishes | undefined
  signal: AbortSignal
}

export interface DatabasePlan {
  owners: OwnerWishes | undefined
  connection: PostgresConnection
  psql: ClientProgram
  target: Target
  /** All of the dump runs with its rights. */
  role: RestoringRole
  /** Rights of that role that the restore does not need, for people. */
  rights: string | undefined
  /** What that role cannot restore of the backup, for people. */
  problems: string[]
  /** `in place`: into the empty target itself. `staging`: into a new database, which then takes the name. */
  way: 'in place' | 'staging'
  /** Properties of the new database; undefined for the server's defaults. */
  like: DatabaseProperties | undefined
  /** Roles that the backup needs and the restore has to make. */
  newRoles: string[]
  /** Schemas of tables that were dumped alone; made where they are missing. */
  schemas: Array<{ name: string; owner: string }>
  keepOld: boolean
  /** Databases left by killed restores; they are dropped. */
  garbage: string[]
  /** Old databases that earlier restores kept; they stay. */
  keptBefore: string[]
  /** Staging databases of this target have names that begin with this. */
  stem: string
}

/** Length of `_restoring_` and eight hex digits. */
const LONGEST_ENDING_BYTES = 19
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['', 'localhost', '127.0.0.1', '::1', '[::1]'])

/**
 * Looks at the target and decides how to restore; changes nothing. Throws `USAGE` for a target that must not
 * be overwritten, `CONFIGURATION` for one that cannot be restored into, `DISK_FULL`, and what a query throws.
 */
export async function planDatabaseRestore(
  backup: Pick<RecordedBackup, 'source' | 'size'>,
  connection: PostgresConnection,
  options: DatabaseRestoreOptions,
): Promise<DatabasePlan> {
  const { signal, overwrite, keepOld, createRoles, owners } = options
  const psql = await newestClientProgram('psql', signal)
  const recorded = backup.source ?? {}
  if (recorded['kind'] !== 'postgres') assertKnowsRestrict(psql)
  const stem = stemOf(connection.database ?? '', LONGEST_ENDING_BYTES)
  const target = await inspectTarget(connection, { psql: psql.path, stem, signal })
  const { server, database } = target
  if (server.isStandby) throw refused('The server is a standby, which cannot be written to')
  if (database?.isTemplate) {
    throw refused(`The database ${target.name} is a template of new ones`, 'Restore into another database.')
  }
  const way = database !== undefined && database.contents.length === 0 ? 'in place' : 'staging'
  if (way === 'staging') assertMayReplace(target, overwrite)
  const facts = await factsUnder(owners, recorded, { target, connection, psql, createRoles, signal })
  const like = database ?? propertiesIn(facts)
  const needed = [...namesIn(facts['roles']), ...(like === undefined ? [] : rolesOf(like))]
  const newRoles = [...new Set(needed)].filter(role => !server.roles.includes(role))
  if (newRoles.length > 0) assertMayCreateRoles(newRoles, server.canCreateRoles, createRoles)
  // Only then the new database gets its owner before the restore, which needs it.
  if (newRoles.length > 0 && owners?.role !== undefined) throw createsNoRolesAs(owners.role)
  await assertRoom(target, connection, Number(facts['database_size'] ?? backup.size))
  const role = await readRestoringRole(server.maintenance, { psql: psql.path, signal })
  const leftBehind = server.leftovers.filter(({ inUse }) => !inUse).map(({ name }) => name)
  return {
    owners,
    connection,
    psql,
    target,
    role,
    rights: rightsBeyond(role, rolesIn(facts['roles'])),
    problems: beyondRights(role, facts),
    way,
    like,
    newRoles,
    schemas: schemasIn(facts['schemas_of_tables']),
    keepOld,
    stem,
    garbage: leftBehind.filter(name => /_restoring_[0-9a-f]{8}$/.test(name)),
    keptBefore: leftBehind.filter(name => /_before_[0-9a-f]{8}$/.test(name)),
  }
}

/** The record of the backup, as the wanted owners change it. Throws `CONFIGURATION` for a missing role. */
async function factsUnder(
  owners: OwnerWishes | undefined,
  recorded: Readonly<Record<string, unknown>>,
  of: Pick<DatabasePlan, 'target' | 'connection' | 'psql'> & { createRoles: boolean; signal: AbortSignal },
): Promise<Readonly<Record<string, unknown>>> {
  if (owners === undefined) return recorded
  const { target, connection, psql, createRoles, signal } = of
  const isThere = target.database !== undefined
  const user = await checkRoles(owners, {
    connection: isThere ? connection : target.server.maintenance,
    ...{ needsCreate: isThere, psql: psql.path, signal },
  })
  return underOwners(recorded, owners, { user, createRoles })
}

function createsNoRolesAs(role: string): BackupError {
  return new BackupError(`A restore as ${role} cannot create roles`, {
    code: 'USAGE',
    hint: hint`Create the roles first, or leave out ${option('role')}.`,
  })
}

export interface TargetVersion {
  server: { versionNumber: number }
}

/** Settings in dumps of newer servers that the target would refuse. */
export function unknownSettings({ server }: TargetVersion): ReadonlySet<string> {
  return new Set(server.versionNumber < 170_000 ? ['transaction_timeout'] : [])
}

/** Our own dumps were written by pg_dump; a dump from elsewhere may contain commands for psql. */
export function assertKnowsRestrict(psql: ClientProgram): void {
  if (knowsRestrict(psql)) return
  throw refused(
    `This psql (${psql.version}) would run psql commands that are in a dump, and this dump was not made here by pg_dump`,
    'Install a client that knows \\restrict: 13.22, 14.19, 15.14, 16.10, 17.6, 18 or newer.',
  )
}

function assertMayReplace({ name, server, database }: Target, overwrite: boolean): void {
  if (database !== undefined && !overwrite) {
    throw new BackupError(`The database ${name} is not empty: it holds ${database.contents.join(', ')}`, {
      code: 'USAGE',
      hint: hint`Give ${option('overwrite')} to replace it when the restore has succeeded, or name a new database.`,
    })
  }
  if (!server.canCreateDatabases) {
    throw refused(
      `The user ${server.user} may not create databases`,
      `As a superuser, ALTER ROLE ${quoteName(server.user)} CREATEDB; or restore into an empty database.`,
    )
  }
  if (database !== undefined && !database.isOurs) {
    throw refused(
      `The database ${name} belongs to ${database.owner}, and ${server.user} may not replace it`,
      'Restore as its owner or as a superuser.',
    )
  }
}

function assertMayCreateRoles(roles: readonly string[], canCreate: boolean, createRoles: boolean): void {
  const names = roles.slice(0, 20).join(', ')
  const isForeign = roles.some(role => role.startsWith('pg_'))
  if (createRoles && canCreate && !isForeign) return
  throw new BackupError(
    `The server lacks ${roles.length} of the roles that own or are granted something in the backup: ${names}`,
    {
      code: 'CONFIGURATION',
      hint: isForeign
        ? 'The source is a newer PostgreSQL with predefined roles (pg_…). Restore into a server that is at least as new.'
        : canCreate
          ? hint`Create the roles first, or give ${option('create-roles')}, which creates them without a login; or restore without them: ${option('no-owner')} and ${option('no-acl')}, or ${option('map-role', 'OLD=NEW')}.`
          : hint`Let somebody create the roles first, or restore as a user who may create roles, with ${option('create-roles')}; or restore without them: ${option('no-owner')} and ${option('no-acl')}, or ${option('map-role', 'OLD=NEW')}.`,
    },
  )
}

/**
 * Throws `DISK_FULL` if the server is on this machine, its disk is readable, and the database does not fit.
 */
async function assertRoom(
  { server }: Target,
  connection: PostgresConnection,
  sizeBytes: number,
): Promise<void> {
  const isLocal = LOCAL_HOSTS.has(connection.host) || connection.host.startsWith('/')
  if (!isLocal || server.dataDirectory === null) return
  const disk = await statfs(server.dataDirectory).catch(() => undefined)
  if (disk === undefined || disk.bavail * disk.bsize >= sizeBytes) return
  throw new BackupError(
    `The server’s disk has ${disk.bavail * disk.bsize} bytes left, and the database had ${sizeBytes}`,
    { code: 'DISK_FULL', hint: 'Free some room first.' },
  )
}

function propertiesIn(facts: Readonly<Record<string, unknown>>): DatabaseProperties | undefined {
  const isKnown = typeof facts['encoding'] === 'string' && typeof facts['owner'] === 'string'
  if (facts['kind'] !== 'postgres' || !isKnown) return undefined
  return facts as unknown as DatabaseProperties
}

function namesIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(name => typeof name === 'string') : []
}

function schemasIn(value: unknown): DatabasePlan['schemas'] {
  if (!Array.isArray(value)) return []
  return value.filter(
    (one: Partial<DatabasePlan['schemas'][number]> | null) =>
      typeof one?.name === 'string' && typeof one.owner === 'string',
  )
}

function refused(message: string, hint?: string): BackupError {
  return new BackupError(message, { code: 'CONFIGURATION', hint })
}
