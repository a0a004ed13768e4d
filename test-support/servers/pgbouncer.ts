import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, idsOf } from '#servers/postgres-server.ts'

/**
 * A pgbouncer before one server. In transaction mode (the default), clients share the connections of the
 * server.
 */
export interface Pgbouncer {
  /** The URL through pgbouncer for a direct URL. */
  through(serverUrl: string): string
  pid: number
  stop(): Promise<void>
}

export interface PgbouncerOptions {
  /** URLs of one server, with user and password: the databases and users that pgbouncer serves. */
  serverUrls: readonly string[]
  /** Server connections for each user and database; 1 by default, so that all clients share it. */
  poolSize?: number
  poolMode?: 'transaction' | 'session' | 'statement'
}

const PROGRAM = '/usr/sbin/pgbouncer'

/** Starts Debian's program on a free port of 127.0.0.1, not as root; fails when it is not installed. */
export async function startPgbouncer({
  serverUrls,
  poolSize = 1,
  poolMode = 'transaction',
}: PgbouncerOptions): Promise<Pgbouncer> {
  if (!existsSync(PROGRAM)) throw new Error('This test needs pgbouncer: apt-get install pgbouncer')
  const urls = serverUrls.map(url => new URL(url))
  const [server] = urls
  if (server === undefined) throw new Error('A pgbouncer needs a server')
  const user = process.getuid?.() === 0 ? idsOf('postgres') : undefined
  const folder = await mkdtemp(join(tmpdir(), 'pgbouncer-'))
  await chmod(folder, 0o755)
  const usersFile = join(folder, 'users')
  await writeFile(usersFile, urls.map(userLine).join(''), { mode: 0o600 })
  if (user) await chown(usersFile, user.uid, user.gid)
  const start = async (triesLeft: number): Promise<{ pgbouncer: ChildProcess; port: number }> => {
    const port = await freePort()
    const settings = join(folder, `${port}.ini`)
    await writeFile(
      settings,
      `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${usersFile}
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
max_client_conn = 200
`,
    )
    const pgbouncer = spawn(PROGRAM, ['-q', settings], { ...user, cwd: '/', env: {}, stdio: 'ignore' })
    while (!(await answers(port))) {
      // Another program may have taken the port meanwhile.
      if (pgbouncer.exitCode !== null && triesLeft > 0) return await start(triesLeft - 1)
      if (pgbouncer.exitCode !== null) throw new Error('pgbouncer did not start')
      await delay(10)
    }
    return { pgbouncer, port }
  }
  const { pgbouncer, port } = await start(3)
  const ended = once(pgbouncer, 'exit')
  return {
    through: serverUrl => {
      const url = new URL(serverUrl)
      url.host = `127.0.0.1:${port}`
      return url.href
    },
    pid: pgbouncer.pid as number,
    stop: async () => {
      pgbouncer.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Plain text, because pgbouncer logs in with it. */
function userLine({ username, password }: URL): string {
  const quoted = [username, password].map(text => `"${decodeURIComponent(text).replaceAll('"', '""')}"`)
  return `${quoted.join(' ')}\n`
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
