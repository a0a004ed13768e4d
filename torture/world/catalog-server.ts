import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, glob, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { migrate, openDatabase } from '@telegram-backup/database'
import pg from 'pg'
import { dyingWithUs } from '#torture/dying-with-us.ts'

const run = promisify(execFile)
const TEMPLATE = 'migrated'

/** A PostgreSQL server of the harness, which can be killed and comes back on the same port. */
export interface CatalogServer {
  readonly port: number
  /** A fresh catalog with its tables; cheap, since it is a copy. */
  createCatalog(): Promise<string>
  dropCatalog(name: string): Promise<void>
  /**
   * SIGKILL to the main process and all others, then a start with recovery. Resolves when it answers again.
   */
  killAndRestart(): Promise<void>
  /**
   * SIGKILL to backends: PostgreSQL then ends all connections and recovers. Resolves as soon as they are
   * killed; `recovered` when the server answers again.
   */
  killBackends(pids: readonly number[]): Promise<{ recovered: Promise<void> }>
  stop(): Promise<void>
}

/**
 * Starts the newest installed server in a temporary folder on a free port of 127.0.0.1, trusting whoever
 * comes.
 */
export async function startCatalogServer(): Promise<CatalogServer> {
  const bin = await installedServer()
  const user = process.getuid?.() === 0 ? idsOf('postgres') : undefined
  const folder = await mkdtemp(join(tmpdir(), 'torture-postgres-'))
  const data = join(folder, 'data')
  await chmod(folder, 0o755)
  await mkdir(data)
  if (user) await chown(data, user.uid, user.gid)
  const options = { ...user, cwd: '/', env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' } }
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'owner', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    options,
  )
  let port = await freePort()
  // What a killed process has written stays written; only a power cut would need fsync.
  const settings = [
    'fsync=off',
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'shared_buffers=16MB',
  ]
  let server: ChildProcess
  let ended: Promise<unknown>
  const start = async (): Promise<void> => {
    const args = ['-D', data, '-p', String(port), ...settings.flatMap(setting => ['-c', setting])]
    server = spawn(...dyingWithUs(join(bin, 'postgres'), args), {
      ...options,
      stdio: 'ignore',
      detached: true,
    })
    ended = once(server, 'exit')
    await untilItAnswers()
  }
  const untilItAnswers = async (): Promise<void> => {
    for (;;) {
      if (server.exitCode !== null) throw new Error('The PostgreSQL server of the harness did not start')
      const answers = await query(port, 'template1', 'select 1').then(
        () => true,
        () => false,
      )
      if (answers) return
      await delay(20)
    }
  }
  for (let triesLeft = 3; ; triesLeft--) {
    // Somebody else may have taken the port since it was free.
    const failure = await start().catch((error: unknown) => error)
    if (failure === undefined) break
    if (triesLeft === 0) throw failure
    port = await freePort()
  }
  await query(port, 'template1', `create database ${TEMPLATE}`)
  const template = await openDatabase({ url: urlOf(port, TEMPLATE) })
  await migrate(template)
  await template.close()
  let made = 0
  return {
    port,
    createCatalog: async () => {
      const name = `catalog_${++made}`
      await query(port, 'template1', `create database ${name} template ${TEMPLATE}`)
      // A copy would be the same catalog a second time.
      await query(port, name, 'update control_plane.catalog set id = gen_random_uuid()')
      return name
    },
    dropCatalog: name =>
      query(port, 'template1', `drop database if exists ${name} with (force)`).then(() => {}),
    killAndRestart: async () => {
      // Its children notice the death of the main process by themselves, but not at once.
      const family = [server.pid ?? 0, ...childrenOf(server.pid ?? 0)]
      for (const pid of family) kill(pid)
      await ended
      while (family.some(isAlive)) await delay(10)
      await rm(join(data, 'postmaster.pid'), { force: true })
      await start()
    },
    killBackends: async pids => {
      const witness = await witnessOf(port)
      for (const pid of pids) kill(pid)
      return { recovered: witness().then(untilItAnswers) }
    },
    stop: async () => {
      server.kill('SIGINT')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * A backend that was about to end by itself breaks nothing; the server notices others at once, unless the
 * machine is busy.
 */
const NOTICED_WITHIN_MS = 10_000

/** Opens a connection; the function waits until the server has broken it off, or was not there already. */
async function witnessOf(port: number): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: urlOf(port, 'template1') })
  client.on('error', () => {})
  const broken = new Promise<void>(resolve => client.once('end', () => resolve()))
  const isConnected = await client.connect().then(
    () => true,
    () => false,
  )
  return async () => {
    if (!isConnected) return
    await Promise.race([broken, delay(NOTICED_WITHIN_MS)])
    await client.end().catch(() => {})
  }
}

/** A connection string; there is no password. */
export function urlOf(port: number, database: string): string {
  return `postgresql://owner@127.0.0.1:${port}/${database}`
}

/** One statement on a connection of its own. */
export async function query(
  port: number,
  database: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: urlOf(port, database) })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.end().catch(() => {})
  }
}

/** Columns by name; bigint as text, as the driver gives it. */
export type Row = Record<string, unknown>

/** The folder of the newest server that Debian's packages have installed. */
async function installedServer(): Promise<string> {
  const found = await Array.fromAsync(glob('/usr/lib/postgresql/*/bin/postgres'))
  const newest = found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
  if (newest === undefined)
    throw new Error('The harness needs a PostgreSQL server: apt-get install postgresql')
  return dirname(newest)
}

function childrenOf(pid: number): number[] {
  const text = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' })
  const pairs = text.split('\n').map(line => line.trim().split(/\s+/).map(Number))
  return pairs.flatMap(([child, parent]) => (parent === pid && child ? [child] : []))
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function idsOf(name: string): { uid: number; gid: number } {
  const ask = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  return { uid: ask('-u'), gid: ask('-g') }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
