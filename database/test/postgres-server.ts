import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { findPostgresPackage, installBinaries } from '#embedded/binaries.ts'
import { serverUser } from '#embedded/server-user.ts'

/**
 * A PostgreSQL of its own for one test file, reached by TCP with a password, as somebody else's server would
 * be.
 */
export interface PostgresServer {
  /** The URL of a new database: empty, or a copy of the one named, to which nobody may be connected. */
  newDatabase(template?: string): Promise<string>
  /** All its processes stand still, as on a machine that has no time for them; connections stay. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** The folder of the programs that the embedded server uses, put into `home`. */
export function bundledPrograms(home: string): string {
  return join(
    installBinaries(
      findPostgresPackage(),
      [home],
      serverUser(undefined, () => {}),
    ),
    'bin',
  )
}

/** The newest PostgreSQL that Debian's packages have installed. */
export function installedPrograms(): string {
  const base = '/usr/lib/postgresql'
  const version = existsSync(base)
    ? readdirSync(base)
        .filter(name => existsSync(join(base, name, 'bin', 'postgres')))
        .sort()
        .at(-1)
    : undefined
  if (!version)
    throw new Error(`This test needs a PostgreSQL server under ${base}: apt-get install postgresql`)
  return join(base, version, 'bin')
}

const PASSWORD = 'p@ss/w#rd: 50%'

/**
 * Starts a server with the programs of that folder, in a temporary folder and on a free port of 127.0.0.1.
 */
export async function startPostgresServer(findPrograms: (home: string) => string): Promise<PostgresServer> {
  const user = serverUser(undefined, () => {}).spawnAs
  const folder = mkdtempSync(join(tmpdir(), 'postgres-test-'))
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  chmodSync(folder, 0o755)
  const programs = findPrograms(folder)
  mkdirSync(data)
  writeFileSync(passwordFile, PASSWORD)
  if (user) for (const path of [data, passwordFile]) chownSync(path, user.uid, user.gid)
  const options = { ...user, cwd: '/', env: { LC_ALL: 'C' } }
  const initdb = [
    '-D',
    data,
    '-U',
    'owner',
    '-A',
    'scram-sha-256',
    '--pwfile',
    passwordFile,
    '-E',
    'UTF8',
    '--no-sync',
  ]
  execFileSync(join(programs, 'initdb'), initdb, { ...options, stdio: 'ignore' })
  const settings = [
    'fsync=off',
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'timezone=Asia/Kathmandu',
  ]
  const start = async (triesLeft: number): Promise<{ server: ChildProcess; port: number }> => {
    const port = await freePort()
    const args = ['-D', data, '-p', String(port), ...settings.flatMap(setting => ['-c', setting])]
    const server = spawn(join(programs, 'postgres'), args, { ...options, stdio: 'ignore' })
    while (!isReady(data)) {
      // Somebody else may have taken the port since it was free.
      if (server.exitCode !== null && triesLeft > 0) return await start(triesLeft - 1)
      if (server.exitCode !== null) throw new Error('the test server did not start')
      await delay(10)
    }
    return { server, port }
  }
  const { server, port } = await start(3)
  const ended = once(server, 'exit')
  const urlOf = (database: string) =>
    `postgresql://owner:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}`
  return {
    async newDatabase(template = 'template1') {
      const name = `test_${randomUUID().replaceAll('-', '')}`
      const client = new pg.Client({ connectionString: urlOf('postgres') })
      await client.connect()
      await client.query(`create database ${name} template ${template}`)
      await client.end()
      return urlOf(name)
    },
    freeze: () => signalAll(server.pid, 'SIGSTOP'),
    thaw: () => signalAll(server.pid, 'SIGCONT'),
    async stop() {
      server.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The postmaster first: it must not start others meanwhile. */
function signalAll(postmaster: number | undefined, signal: NodeJS.Signals): void {
  if (postmaster === undefined) throw new Error('the test server has no process')
  process.kill(postmaster, signal)
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim()
  for (const pid of children.split(' ')) {
    try {
      process.kill(Number(pid), signal)
    } catch (error) {
      // One that has ended since it was listed.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

function isReady(data: string): boolean {
  const file = join(data, 'postmaster.pid')
  return existsSync(file) && readFileSync(file, 'utf8').split('\n')[7]?.trim() === 'ready'
}

/** A TCP port of 127.0.0.1 that nobody listens on. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  return typeof address === 'object' && address ? address.port : 0
}
