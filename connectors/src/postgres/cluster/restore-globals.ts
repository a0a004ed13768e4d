import { BackupError, hint, option } from '@telegram-backup/errors'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { type GlobalsServer, globalsIn, rightsAdded } from '#postgres/cluster/globals.ts'
import {
  createTablespace,
  dropTablespace,
  finishTablespace,
  sqlOfGlobals,
} from '#postgres/cluster/globals-sql.ts'
import { type DumpedGlobals, type DumpedTablespace, readGlobals } from '#postgres/cluster/read-globals.ts'
import { textOfGlobals } from '#postgres/cluster/text-of-globals.ts'
import type { ClusterTarget } from '#postgres/cluster-settings.ts'
import type { PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OpenBytes, PlannedRestore, RestoreWishes } from '#restoring.ts'

interface Server extends GlobalsServer {
  versionNumber: number
  /** The role that restores. */
  user: string
}

const SERVER = `
select pg_catalog.jsonb_build_object(
  'versionNumber', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'isStandby', pg_catalog.pg_is_in_recovery(),
  'user', current_user,
  'mayCreateRoles', (select rolsuper or rolcreaterole from pg_catalog.pg_roles where rolname = current_user),
  'roles', (select pg_catalog.jsonb_agg(rolname) from pg_catalog.pg_roles),
  'ownParameters', (select pg_catalog.jsonb_agg(pg_catalog.lower(name)) from pg_catalog.pg_settings where context = 'user'),
  'tablespaces', (select pg_catalog.jsonb_agg(spcname) from pg_catalog.pg_tablespace))`

/** What was restored, for programs. */
export interface RestoredGlobals {
  /** Names of the roles and tablespaces that were made. */
  roles: string[]
  tablespaces: string[]
  /** Roles that the server had already, which stay as they are. */
  kept_roles: number
  /** New roles that may log in, and have no password. */
  without_password: string[]
  /** What is in the backup and is not restored, in words. */
  not_restored: string[]
}

/**
 * Adds the roles and tablespaces that the server lacks; what it has stays as it is. Throws `USAGE` for rights
 * that nobody has allowed, `CONFIGURATION` for a server that takes no roles, and what a query throws.
 */
export async function planGlobals(
  { connection }: ClusterTarget,
  backup: RecordedBackup,
  { wishes, signal }: { wishes: Pick<RestoreWishes, 'trustGlobals'>; signal: AbortSignal },
): Promise<PlannedRestore> {
  const psql = (await newestClientProgram('psql', signal)).path
  const at = { connection, psql, signal }
  const server = await readServer(at)
  const recorded = globalsIn(backup.source)
  const rights = recorded === undefined ? [] : rightsAdded(recorded, server)
  if (!wishes.trustGlobals) refuseRights(rights)
  const { roles = [], tablespaces = [] } = recorded ?? {}
  const missing = (of: readonly { name: string }[], there: ReadonlySet<string>): string[] =>
    of.map(({ name }) => name).filter(name => !there.has(name))
  const newRoles = missing(roles, server.roles)
  const globals = {
    ...{ roles: newRoles, kept: roles.length - newRoles.length },
    ...{ tablespaces: missing(tablespaces, server.tablespaces), rights },
  }
  return {
    target: connection.display,
    steps: [
      { does: 'add globals', ...globals },
      ...(recorded === undefined
        ? [
            {
              does: 'warn' as const,
              problem: 'the record does not name the roles; the backup itself is checked',
            },
          ]
        : []),
    ],
    run: async open => ({ ...(await restoreGlobals(open, { ...at, trustGlobals: wishes.trustGlobals })) }),
  }
}

/** All or nothing. Throws what the bytes throw, `USAGE`, `POSTGRES`, `UNRESTORABLE`, `CANCELLED`. */
export async function restoreGlobals(
  open: OpenBytes,
  of: {
    connection: PostgresConnection
    psql: string
    signal: AbortSignal
    trustGlobals: boolean
    /** Leave them out, as on a machine that has not their folders. */
    isWithoutTablespaces?: boolean
  },
): Promise<RestoredGlobals> {
  const { signal, trustGlobals, isWithoutTablespaces = false } = of
  const globals = readGlobals(await textOfGlobals(open(signal)))
  const server = await readServer(of)
  // The record may have been another one, or another server's.
  if (!trustGlobals) refuseRights(rightsAdded(globals, server))
  const newTablespaces = globals.tablespaces.filter(
    ({ name }) => !isWithoutTablespaces && !server.tablespaces.has(name),
  )
  const newRoles = globals.roles.filter(({ name }) => !server.roles.has(name))
  const made: DumpedTablespace[] = []
  try {
    // They cannot be made in a transaction, so they come first, and go again if it fails.
    for (const tablespace of newTablespaces) {
      await queryJson(of.connection, createTablespace(tablespace), { ...of, isOutsideTransactions: true })
      made.push(tablespace)
    }
    const sql = [...sqlOfGlobals(globals, server), ...newTablespaces.flatMap(finishTablespace)]
    if (sql.length > 0) await queryJson(of.connection, sql.join('\n'), { ...of, mode: 'read write' })
  } catch (error) {
    for (const tablespace of made.reverse()) {
      const { connection, psql } = of
      await queryJson(connection, dropTablespace(tablespace), { psql, isOutsideTransactions: true }).catch(
        () => {},
      )
    }
    throw error
  }
  return {
    roles: newRoles.map(({ name }) => name),
    tablespaces: newTablespaces.map(({ name }) => name),
    kept_roles: globals.roles.length - newRoles.length,
    without_password: newRoles
      .filter(({ attributes, password }) => attributes.includes('LOGIN') && password === undefined)
      .map(({ name }) => name),
    not_restored: notRestored(globals, newRoles, server),
  }
}

function notRestored(
  { leftOut, memberships }: DumpedGlobals,
  newRoles: readonly { name: string }[],
  { user }: Server,
): string[] {
  const isNew = new Set(newRoles.map(({ name }) => name))
  // Another grantor may not be on this server: the restoring role is the grantor here.
  const regranted = memberships.filter(
    ({ member, grantors }) => isNew.has(member) && grantors.some(grantor => grantor !== user),
  )
  const all = new Map(leftOut)
  if (regranted.length > 0) all.set('grantors of memberships', regranted.length)
  return [...all].map(([what, count]) => `${what} (${count})`)
}

async function readServer(of: {
  connection: PostgresConnection
  psql: string
  signal: AbortSignal
}): Promise<Server> {
  const seen = (await queryJson(of.connection, SERVER, of)) as {
    versionNumber: number
    isStandby: boolean
    user: string
    mayCreateRoles: boolean
    roles: string[]
    ownParameters: string[]
    tablespaces: string[]
  }
  if (seen.isStandby) {
    throw new BackupError('The server is a standby, which cannot be written to', {
      code: 'CONFIGURATION',
      hint: 'Restore to its primary.',
    })
  }
  if (!seen.mayCreateRoles) {
    throw new BackupError(`${seen.user} may not create roles on the server`, {
      code: 'CONFIGURATION',
      hint: 'Restore as a superuser, or as a role with CREATEROLE.',
    })
  }
  return {
    versionNumber: Number(seen.versionNumber),
    user: seen.user,
    roles: new Set(seen.roles),
    ownParameters: new Set(seen.ownParameters),
    tablespaces: new Set(seen.tablespaces),
  }
}

const MOST_NAMED = 20

function refuseRights(rights: readonly string[]): void {
  if (rights.length === 0) return
  const named = rights.slice(0, MOST_NAMED).join('; ')
  const more = rights.length > MOST_NAMED ? `; and ${rights.length - MOST_NAMED} more` : ''
  throw new BackupError(
    `The globals add more rights than an ordinary role has, or a place on the server's disk: ${named}${more}`,
    {
      code: 'USAGE',
      hint: hint`If you trust this backup with all of that, give ${option('trust-globals')}; or make these roles and tablespaces by hand before, as roles that exist stay as they are.`,
    },
  )
}
