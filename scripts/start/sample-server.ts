import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { BackupError } from '@telegram-backup/errors'
import pg from 'pg'

const run = promisify(execFile)
const POLL_MS = 20
const READY_WITHIN_MS = 60_000
const STOPPED_WITHIN_MS = 30_000
/** The owner of the sample's server; the program knows only the role below. */
const OWNER = 'sample'
/** May create databases, as a restore into a new one needs. */
export const SHOP_ROLE = 'shop'
/** Root lends it one of these accounts. */
const ACCOUNTS = ['postgres', 'nobody']
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=30',
  'shared_buffers=16MB',
  // A sample need not survive a power cut, and its first start is faster.
  'fsync=off',
  'timezone=UTC',
]

export interface SampleServer {
  port: number
  /** Runs statements in a database as its owner. */
  execute(database: string, statements: string): Promise<void>
  stop(): Promise<void>
}

interface ServerPlace {
  /** Has `bin`, `lib` and `share`. */
  programs: string
  /** Made if it does not exist; its name is in the arguments of the server. */
  data: string
  passwords: { owner: string; shop: string }
  /** The port of an earlier start: it stays the same unless another program has it. */
  port: number | undefined
  signal: AbortSignal
}

/** Starts the PostgreSQL server that holds the database of the sample, on this machine alone. */
export async function startSampleServer(place: ServerPlace): Promise<SampleServer> {
  const { programs, data, passwords, signal } = place
  const account = process.getuid?.() === 0 ? accountForRoot() : undefined
  const isNew = !existsSync(data)
  await endLeftServer(data)
  if (isNew) await makeCluster(place, account)
  const port = await freePort(place.port)
  const log = await open(join(dirname(data), 'postgres.log'), 'a')
  const args = ['-D', data, '-p', String(port), ...SETTINGS.flatMap(setting => ['-c', setting])]
  const server = spawn(join(programs, 'bin', 'postgres'), args, {
    ...account,
    cwd: '/',
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', log.fd],
    // Its own process group: Ctrl-C must not stop it before what uses it.
    detached: true,
  })
  const ended = once(server, 'exit').catch(() => {})
  await log.close()
  const stop = async (): Promise<void> => {
    server.kill('SIGINT')
    await ended
  }
  const execute = async (database: string, statements: string): Promise<void> => {
    const connection = { host: '127.0.0.1', port, user: OWNER, password: passwords.owner, database }
    const client = new pg.Client(connection)
    client.on('error', () => {})
    await client.connect()
    await client.query(statements).finally(() => client.end())
  }
  try {
    await untilReady(server, data, signal)
    if (isNew) {
      await execute('postgres', `CREATE ROLE ${SHOP_ROLE} LOGIN CREATEDB PASSWORD '${passwords.shop}'`)
      await execute('postgres', `CREATE DATABASE shop OWNER ${SHOP_ROLE}`)
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { port, execute, stop }
}

async function makeCluster(
  { programs, data, passwords, signal }: ServerPlace,
  account: { uid: number; gid: number } | undefined,
): Promise<void> {
  const passwordFile = `${data}-password`
  await mkdir(data, { mode: 0o700 })
  await writeFile(passwordFile, passwords.owner, { mode: 0o600 })
  if (account !== undefined)
    for (const path of [data, passwordFile]) await chown(path, account.uid, account.gid)
  const settings = ['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync']
  try {
    await run(
      join(programs, 'bin', 'initdb'),
      ['-D', data, '-U', OWNER, '--pwfile', passwordFile, ...settings],
      { ...account, cwd: '/', env: { LC_ALL: 'C' }, signal },
    )
  } catch (error) {
    await rm(data, { recursive: true, force: true })
    signal.throwIfAborted()
    throw new BackupError('The server of the sample database could not be made', {
      code: 'START',
      hint: `Another user must be able to enter ${dirname(data)} and the folders above: choose another with --folder.`,
      cause: error,
    })
  } finally {
    await rm(passwordFile, { force: true })
  }
}

/** A start that was killed leaves its server behind, which holds the folder. */
export async function endLeftServer(data: string): Promise<void> {
  const pid = Number((await pidFileOf(data))[0])
  if (pid > 0 && isServerOf(pid, data)) {
    process.kill(pid, 'SIGINT')
    const until = performance.now() + STOPPED_WITHIN_MS
    while (isServerOf(pid, data) && performance.now() < until) await delay(POLL_MS)
  }
  // A killed server leaves its file, which says that it is ready.
  await rm(join(data, 'postmaster.pid'), { force: true })
}

/** Another process may have the number by now. */
function isServerOf(pid: number, data: string): boolean {
  try {
    const words = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return words.includes(` -D ${data} `)
  } catch {
    return false
  }
}

async function untilReady(server: ChildProcess, data: string, signal: AbortSignal): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS
  while ((await pidFileOf(data))[7]?.trim() !== 'ready') {
    if (server.exitCode !== null || performance.now() > until) {
      throw new BackupError('The server of the sample database did not start', {
        code: 'START',
        hint: `${join(dirname(data), 'postgres.log')} says why.`,
      })
    }
    await delay(POLL_MS, undefined, { signal })
  }
}

async function pidFileOf(data: string): Promise<string[]> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  return text.split('\n')
}

function accountForRoot(): { uid: number; gid: number } {
  for (const name of ACCOUNTS) {
    try {
      const ask = (flag: string): number =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }))
      return { uid: ask('-u'), gid: ask('-g') }
    } catch {
      // There is no such account.
    }
  }
  throw new BackupError('PostgreSQL does not run as root, and there is no account postgres or nobody', {
    code: 'START',
    hint: 'Run npm start as another user.',
  })
}

/** The wanted port if nobody has it, else any free one of 127.0.0.1. */
async function freePort(wanted = 0): Promise<number> {
  const probe = createServer()
  try {
    probe.listen(wanted, '127.0.0.1')
    await once(probe, 'listening')
  } catch (error) {
    if (wanted === 0) throw error
    return await freePort()
  }
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
