import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { choosePgDump, findClientPrograms } from '@telegram-backup/connectors/postgres/client-programs.ts'

const run = promisify(execFile)
const MAX_OUTPUT_BYTES = 2 ** 30

/** A PostgreSQL server that is reached by TCP with a password. */
export interface PostgresServer {
  /** The superuser's URL, password included. */
  url(database: string): string
  /** Runs SQL as the superuser by psql; resolves to its output without headings. */
  sql(database: string, statements: string): Promise<string>
  /** The names of all databases, in order. */
  databases(): Promise<string[]>
  /** Its log so far. */
  log(): Promise<string>
  pid: number
  stop(): Promise<void>
}

const PASSWORD = 'p@ss/w#rd: 50%'

/**
 * Starts a server with the programs in `bin`, in a temporary folder, on a free port of 127.0.0.1. Not as
 * root.
 */
export async function startPostgresServer(
  bin: string,
  settings: readonly string[] = [],
): Promise<PostgresServer> {
  const user = process.getuid?.() === 0 ? idsOf('postgres') : undefined
  const folder = await mkdtemp(join(tmpdir(), 'postgres-server-'))
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  const logFile = join(folder, 'server.log')
  await chmod(folder, 0o755)
  await mkdir(data)
  await writeFile(passwordFile, PASSWORD)
  if (user) for (const path of [data, passwordFile]) await chown(path, user.uid, user.gid)
  const options = { ...user, cwd: '/', env: { LC_ALL: 'C' } }
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'owner', '-A', 'scram-sha-256', '--pwfile', passwordFile, '-E', 'UTF8', '--no-sync'],
    options,
  )
  const all = ['fsync=off', 'listen_addresses=127.0.0.1', 'unix_socket_directories=', ...settings]
  const start = async (triesLeft: number): Promise<{ server: ChildProcess; port: number }> => {
    const port = await freePort()
    const args = ['-D', data, '-p', String(port), ...all.flatMap(setting => ['-c', setting])]
    const log = await open(logFile, 'a')
    const server = spawn(join(bin, 'postgres'), args, { ...options, stdio: ['ignore', 'ignore', log.fd] })
    await log.close()
    while (!(await isReady(data))) {
      // Another program may have taken the port meanwhile.
      if (server.exitCode !== null && triesLeft > 0) return await start(triesLeft - 1)
      if (server.exitCode !== null) throw new Error('The test server did not start')
      await delay(10)
    }
    return { server, port }
  }
  const { server, port } = await start(3)
  const ended = once(server, 'exit')
  const url = (database: string): string =>
    `postgresql://owner:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${encodeURIComponent(database)}`
  const sql = async (database: string, statements: string): Promise<string> => {
    const running = run(
      await newest('psql'),
      ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url(database)],
      {
        maxBuffer: MAX_OUTPUT_BYTES,
      },
    )
    running.child.stdin?.end(statements)
    return (await running).stdout.trimEnd()
  }
  return {
    url,
    sql,
    databases: async () => (await sql('template1', 'select datname from pg_database order by 1')).split('\n'),
    log: () => readFile(logFile, 'utf8'),
    pid: server.pid as number,
    stop: async () => {
      server.kill('SIGINT')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The folder of the newest server from Debian's packages; throws if there is none. */
export async function installedServer(): Promise<string> {
  const { stdout } = await run('bash', ['-c', 'ls -d /usr/lib/postgresql/*/bin/postgres | sort -V | tail -1'])
  if (stdout === '') throw new Error('This test needs a PostgreSQL server: apt-get install postgresql')
  return join(stdout.trim(), '..')
}

/** The folder of the client programs that this program chooses for a server of that version. */
export async function clientFolder(major: number): Promise<string> {
  return dirname(choosePgDump(await findClientPrograms('pg_dump'), major).path)
}

/** The dump of a database without what differs between runs: equal dumps mean equal databases. */
export async function dumpOf(url: string, options: readonly string[] = []): Promise<string> {
  const { stdout } = await run(await newest('pg_dump'), [...options, '-d', url], {
    maxBuffer: MAX_OUTPUT_BYTES,
  })
  return stdout.replace(/^\\(un)?restrict .*$/gm, '')
}

/** For each table the number of rows, and a checksum over all rows in any order. */
export async function checksumsOf(server: PostgresServer, database: string): Promise<string> {
  const tables = await server.sql(
    database,
    `select format('%I.%I', schemaname, tablename) from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  )
  const queries = tables
    .split('\n')
    .filter(Boolean)
    .map(
      table =>
        `select $t$${table}$t$, count(*), sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint) from ${table} t;`,
    )
  return server.sql(database, queries.join('\n'))
}

async function newest(name: 'psql' | 'pg_dump'): Promise<string> {
  const [program] = await findClientPrograms(name)
  if (!program) throw new Error(`This test needs ${name}: apt-get install postgresql-client`)
  return program.path
}

/** The ids of a user of this machine. */
export function idsOf(name: string): { uid: number; gid: number } {
  const ask = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  return { uid: ask('-u'), gid: ask('-g') }
}

async function isReady(data: string): Promise<boolean> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  return text.split('\n')[7]?.trim() === 'ready'
}

/** A free TCP port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
