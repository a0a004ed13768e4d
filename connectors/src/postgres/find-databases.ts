import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { FoundSource, TypedPlace } from '#connector.ts'
import { type PostgresConnection, parsePostgresUrl } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'

/** Where packages, and PostgreSQL as it was published, put the sockets of servers. */
const SOCKET_FOLDERS = ['/var/run/postgresql', '/tmp']
const SOCKET = /^\.s\.PGSQL\.(\d{1,5})$/
/** A server on this machine that does not answer in this time is left out. */
const LOOK_MS = 10_000
const WRITABLE_BY_ALL = 0o002
/** Made by initdb for administrators; rarely with data in it. */
const MAINTENANCE_DATABASE = 'postgres'

const LIST = `
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
  'name', datname, 'size', pg_catalog.pg_database_size(oid)) order by datname), '[]')
from pg_catalog.pg_database
where datallowconn and not datistemplate and pg_catalog.has_database_privilege(oid, 'CONNECT')`

interface Socket {
  folder: string
  port: string
}

/**
 * The databases of the servers that run on this machine, and servers that refuse this user.
 * @param folders are searched for sockets; for tests
 */
export async function findDatabases(
  signal: AbortSignal,
  folders: readonly string[] = SOCKET_FOLDERS,
): Promise<FoundSource[]> {
  const sockets = (await Promise.all(folders.map(socketsIn))).flat()
  const found = await Promise.all(sockets.map(socket => databasesAt(socket, signal)))
  return found.flat()
}

async function socketsIn(named: string): Promise<Socket[]> {
  try {
    const folder = await realpath(named)
    const isShared = ((await stat(folder)).mode & WRITABLE_BY_ALL) !== 0
    const trusted = await trustedOwners()
    const sockets: Socket[] = []
    for (const name of (await readdir(folder)).sort()) {
      const [, port] = SOCKET.exec(name) ?? []
      if (port === undefined) continue
      const facts = await lstat(join(folder, name)).catch(() => undefined)
      // Anybody may put a socket into a shared folder, and get what we say to a server.
      if (facts?.isSocket() && (!isShared || trusted.includes(facts.uid))) sockets.push({ folder, port })
    }
    return sockets
  } catch {
    return []
  }
}

async function trustedOwners(): Promise<number[]> {
  const accounts = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const [, postgres] = /^postgres:[^:]*:(\d+):/m.exec(accounts) ?? []
  return [0, process.geteuid?.() ?? 0, ...(postgres === undefined ? [] : [Number(postgres)])]
}

async function databasesAt(socket: Socket, signal: AbortSignal): Promise<FoundSource[]> {
  const shown = (name: string): string => `database ${JSON.stringify(name)} at ${where(socket)}`
  const late = AbortSignal.timeout(LOOK_MS)
  try {
    const connection = withoutGivenPassword(parsePostgresUrl(urlOf(socket, MAINTENANCE_DATABASE)))
    const listed = await queryJson(connection, LIST, { signal: AbortSignal.any([signal, late]) })
    return (listed as { name: string; size: number }[]).map(({ name, size }) => ({
      place: urlOf(socket, name),
      shown: shown(name),
      sizeBytes: size,
      isUsual: name !== MAINTENANCE_DATABASE,
    }))
  } catch (error) {
    signal.throwIfAborted()
    if (late.aborted) return [{ shown: `PostgreSQL at ${where(socket)}`, problem: 'it gives no answer' }]
    return [{ shown: `PostgreSQL at ${where(socket)}`, ...refusalOf(error, socket) }]
  }
}

function refusalOf(error: unknown, { folder, port }: Socket): { problem: string; hint?: string } {
  const { message, hint } = describeError(error)
  const { username } = userInfo()
  if (!/role "[^"]*" does not exist/.test(message) || !/^[a-z_][a-z0-9_-]*$/.test(username))
    return { problem: message, ...(hint === undefined ? {} : { hint }) }
  return {
    problem: `it has no role for the user ${username}`,
    hint: `Let this user read all databases: sudo -u postgres psql -h ${folder} -p ${port} -c 'CREATE ROLE "${username}" LOGIN' -c 'GRANT pg_read_all_data TO "${username}"'`,
  }
}

/** Nobody has named this server yet: it gets no password. */
function withoutGivenPassword(connection: PostgresConnection): PostgresConnection {
  const { PGPASSWORD: _, ...environment } = connection.environment
  return { ...connection, environment }
}

function where({ folder, port }: Socket): string {
  return `${folder}, port ${port}`
}

function urlOf({ folder, port }: Socket, database: string): string {
  return `postgresql:///${encodeURIComponent(database)}?host=${encodeURIComponent(folder)}&port=${port}`
}

/** Takes the password of the URL, or of PGPASSWORD, out of it. Throws `USAGE` for a malformed URL. */
export function readTypedUrl(url: string): TypedPlace {
  const { uri, environment, database, host } = parsePostgresUrl(url)
  const value = environment['PGPASSWORD']
  const name = database ?? (host.replace(/^.*\//, '') || 'postgres')
  if (!value) return { place: uri, name }
  if (value !== value.trim() || value.includes('\0')) {
    throw new BackupError('The password of the database begins or ends with a blank', {
      code: 'USAGE',
      hint: 'A setting cannot hold it. Put it into ~/.pgpass, and leave it out of the URL and of PGPASSWORD.',
    })
  }
  const sign = uri.includes('?') ? '&' : '?'
  return {
    place: uri,
    name,
    secret: { value, placeWith: variable => `${uri}${sign}password=\${${variable}}` },
  }
}
