import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import {
  createApiKey,
  createJob,
  createSchedule,
  type Database,
  getJob,
  sqlRunner,
} from '@telegram-backup/database'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { openCatalog, openJobQueue } from '@telegram-backup/engine/wiring.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { writeSources } from '@telegram-backup/test-support/jobs-world.ts'
import { startListener } from '@telegram-backup/test-support/listener.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { selfSigned } from '@telegram-backup/test-support/self-signed.ts'
import { startServe } from '@telegram-backup/test-support/serve-process.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

let vault: TestVault
let env: Record<string, string>

beforeAll(async () => {
  vault = await openTestVault()
  env = await cliEnvironment(vault)
  env['TELEGRAM_BACKUP_CONFIG'] = await writeSources(vault.folder)
})

afterAll(async () => {
  await vault.close()
})

async function withOpenCatalog(work: (database: Database) => Promise<void>, connections = 10) {
  const database = await openCatalog(readConfig(env), undefined, { connections })
  await work(database).finally(() => database.close())
}

test('whoever is stopped while waiting for the catalog hears that it was cancelled', async () => {
  const embedded = readConfig({ ...env, DATABASE_URL: undefined })
  for (const config of [readConfig(env), embedded]) {
    await expect(openCatalog(config, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' })
  }
})

test('a serve that cannot listen says so, and has begun no job', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  await withOpenCatalog(async database => {
    const queue = await openJobQueue(database, { tends: false })
    const { job } = await queue.submit({ kind: 'backup', projectId: 'alpha', source: 'alpha' })
    const { code, stderr } = await runCli(['serve', '--port', String(port)], { env })
    expect(code).toBe(2)
    expect(stderr).toContain(`Cannot listen on 127.0.0.1 port ${port} (EADDRINUSE)`)
    for (const line of stderr.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg')
    expect(await getJob(database, job.id)).toMatchObject({ state: 'queued', attempt: 0, version: 1 })
    // Nor did it get ready for any: the first thing that it does for that.
    const { rows } = await sqlRunner(database).executeSql('select name from pgboss.queue order by name')
    expect(rows.filter(({ name }) => String(name).startsWith('backup.'))).toEqual([{ name: 'backup.alpha' }])
    await queue.stop()
  })
  expect(vault.messageIds()).toEqual([])
  taken.close()
})

test('a second serve on a port that is taken tells nobody of anything, whatever it would find wrong', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const listener = await startListener()
  const path = env['TELEGRAM_BACKUP_CONFIG'] ?? ''
  const noisy = join(vault.folder, 'noisy.yaml')
  await writeFile(noisy, `${await readFile(path, 'utf8')}notifications: { webhook: "${listener.url}" }\n`, {
    mode: 0o600,
  })
  await withOpenCatalog(async database => {
    const { executeSql } = sqlRunner(database)
    const schedule = { source: 'alpha', projectId: 'alpha', type: 'storage', cron: '0 * * * *' } as const
    await createSchedule(database, { ...schedule, timezone: 'UTC', nextRunAt: null })
    // Overdue since yesterday.
    await executeSql(`update control_plane.schedules set created_at = created_at - interval '1 day'`)
    const { code } = await runCli(['serve', '--port', String(port)], {
      env: { ...env, TELEGRAM_BACKUP_CONFIG: noisy },
    })
    expect(code).toBe(2)
    for (const table of ['alerts', 'notices']) {
      expect((await executeSql(`select * from control_plane.${table}`)).rows).toEqual([])
    }
    await executeSql('delete from control_plane.schedules')
  })
  expect(listener.notices()).toEqual([])
  expect(vault.messageIds()).toEqual([])
  await listener.close()
  taken.close()
})

test('all that comes on stderr is one JSON value a line, also when it stops', async () => {
  const serve = startServe(env)
  await serve.ready
  expect(await serve.end('SIGTERM')).toBe(0)
  const lines = serve.stderr().trimEnd().split('\n')
  const words = lines.map(line => (JSON.parse(line) as { msg: string }).msg)
  expect(words).toContain('Stopping cleanly; press Ctrl-C again to quit now.')
})

test('watchers that left at once keep no serve from ending', async () => {
  await withOpenCatalog(async database => {
    const { key } = await createApiKey(database, { name: 'watcher', scopes: ['read'] })
    // Of a source that nobody serves, so that it goes on for ever.
    const request = { kind: 'backup', projectId: 'alpha', source: 'nobody' } as const
    const { job } = await createJob(database, request, async () => {})
    const serve = startServe(env)
    await serve.ready
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(serve.log())?.[1])
    const ask = `GET /api/v1/jobs/${job.id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`
    for (let count = 0; count < 40; count++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      await once(socket, 'connect')
      socket.write(ask.repeat(2))
      await new Promise(resolve => setTimeout(resolve, count % 8))
      socket.destroy()
    }
    const tooLong = setTimeout(() => serve.child.kill('SIGKILL'), 90_000)
    expect(await serve.end('SIGTERM')).toBe(0)
    clearTimeout(tooLong)
  })
})

test('a catalog takes no more connections than it is given', async () => {
  await withOpenCatalog(async database => {
    const { executeSql } = sqlRunner(database)
    const pids = await Promise.all(
      Array.from({ length: 12 }, () => executeSql('select pg_sleep(0.05), pg_backend_pid() as pid')),
    )
    expect(new Set(pids.map(({ rows }) => rows[0]?.['pid'])).size).toBeLessThanOrEqual(3)
  }, 3)
})

test('a serve with a certificate is reached by https alone, and one with half of what that needs does not start', async () => {
  const [certificate, key] = [join(vault.folder, 'cert.pem'), join(vault.folder, 'key.pem')]
  const own = selfSigned('serve')
  await writeFile(certificate, own.cert)
  await writeFile(key, own.key, { mode: 0o600 })
  const { code } = await runCli(['serve', '--port', '0', '--certificate', certificate], { env })
  expect(code).toBe(2)
  const path = join(vault.folder, 'tls.yaml')
  const text = await readFile(env['TELEGRAM_BACKUP_CONFIG'] ?? '', 'utf8')
  const http = `http: { certificate: "${certificate}", certificate_key: "${key}" }`
  await writeFile(path, `${text}${http}\n`, { mode: 0o600 })
  const serve = startServe({ ...env, TELEGRAM_BACKUP_CONFIG: path })
  await serve.ready
  const [, port] = /https:\/\/127\.0\.0\.1:(\d+)/.exec(serve.log()) ?? []
  const status = await new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      path: '/healthz',
      ca: own.cert,
      checkServerIdentity: () => undefined,
    }
    get(options, answer => resolve(answer.resume().statusCode)).on('error', reject)
  })
  expect(status).toBe(200)
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
  expect(await serve.end('SIGTERM')).toBe(0)
})
