import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort, idsOf, type PostgresServer } from '#servers/postgres-server.ts'

const run = promisify(execFile)

/** A hot standby: follows its primary by streaming, and refuses writes until it is promoted. */
export interface Standby {
  /** The URL on the standby for a URL of the primary. */
  url(primaryUrl: string): string
  /** Resolves when it has everything that the primary has written so far. */
  caughtUp(): Promise<void>
  promote(): Promise<void>
  stop(): Promise<void>
}

export async function startStandby(bin: string, primary: PostgresServer): Promise<Standby> {
  const user = process.getuid?.() === 0 ? idsOf('postgres') : undefined
  const folder = await mkdtemp(join(tmpdir(), 'postgres-standby-'))
  const data = join(folder, 'data')
  await chmod(folder, 0o755)
  await mkdir(data, { mode: 0o700 })
  if (user) await chown(data, user.uid, user.gid)
  const options = { ...user, cwd: '/', env: { LC_ALL: 'C' } }
  const from = primary.url('postgres')
  await run(join(bin, 'pg_basebackup'), ['-D', data, '-d', from, '-R', '-c', 'fast', '--no-sync'], options)
  const port = await freePort()
  const settings = ['fsync=off', 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
  const args = ['-D', data, '-p', String(port), ...settings.flatMap(setting => ['-c', setting])]
  const server = spawn(join(bin, 'postgres'), args, { ...options, stdio: 'ignore' })
  const ended = once(server, 'exit')
  while (!(await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).includes('ready')) {
    if (server.exitCode !== null) throw new Error('The standby did not start')
    await delay(10)
  }
  const url = (primaryUrl: string): string => {
    const address = new URL(primaryUrl)
    address.port = String(port)
    return address.href
  }
  const ask = async (question: string): Promise<string> => {
    const client = new pg.Client(url(from))
    await client.connect()
    const { rows } = await client.query<{ answer: string }>(`select (${question})::text as answer`)
    await client.end()
    return rows[0]?.answer ?? ''
  }
  return {
    url,
    caughtUp: async () => {
      const written = await primary.sql('postgres', 'select pg_current_wal_lsn()')
      while ((await ask(`pg_last_wal_replay_lsn() >= '${written}'`)) !== 'true') await delay(20)
    },
    promote: async () => {
      if ((await ask('pg_promote(true, 120)')) !== 'true') throw new Error('The standby was not promoted')
    },
    stop: async () => {
      server.kill('SIGINT')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
