import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, type Job, migrate, type NewJob, openDatabase } from '@telegram-backup/database'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { holdCall, untilJob } from '@telegram-backup/test-support/jobs-world.ts'
import { type ServeProcess, startServe } from '@telegram-backup/test-support/serve-process.ts'
import {
  checksumsOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processesWith } from '#test/restore-bench.ts'

let server: PostgresServer
let vault: TestVault
let database: Database
let env: Record<string, string>
let service: ServeProcess

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  vault = await openTestVault()
  await server.sql('postgres', 'create database catalog; create database source; create database copy_live;')
  await server.sql(
    'source',
    'create table rows as select n, md5(n::text) || md5((-n)::text) as body from generate_series(1, 8000) n',
  )
  const config = join(vault.folder, 'telegram-backup.yaml')
  await writeFile(
    config,
    `sources:
  shop: { project: shop, type: database, postgres: "${server.url('source')}" }
targets:
  copy: { postgres: "${server.url('copy_live')}" }
  away: { postgres: "postgresql://somebody:secret@127.0.0.1:1/hidden_name" }
`,
    { mode: 0o600 },
  )
  env = {
    ...(await cliEnvironment(vault)),
    TELEGRAM_BACKUP_CONFIG: config,
    DATABASE_URL: server.url('catalog'),
  }
  database = await openDatabase({ url: server.url('catalog') })
  await migrate(database)
  service = startServe(env)
  await service.ready
})

afterAll(async () => {
  await service.end('SIGKILL')
  await database.close()
  await vault.close()
  await server.stop()
})

async function submit(request: NewJob): Promise<string> {
  const queue = await openJobQueue(database, { tends: false })
  const { job } = await queue.submit(request)
  await queue.stop()
  return job.id
}

const ended = (id: string): Promise<Job> => untilJob(database, id, ['done', 'failed', 'cancelled'])

let backupId = ''

test('a job backs a database up, and another brings it back into a named target', async () => {
  const backup = await ended(await submit({ kind: 'backup', projectId: 'shop', source: 'shop' }))
  expect(backup).toMatchObject({ state: 'done', error: null })
  backupId = backup.backup_id ?? ''
  const restore = await ended(await submit({ kind: 'restore', backupId, target: 'copy' }))
  expect(restore).toMatchObject({ state: 'done', error: null, attempt: 1 })
  expect(restore.progress.bytes_done).toBe(restore.progress.bytes_total)
  expect(await checksumsOf(server, 'copy_live')).toBe(await checksumsOf(server, 'source'))
  expect(service.log()).not.toContain('50%')
})

test('a target that is not empty is refused without the word to overwrite it', async () => {
  const refused = await ended(await submit({ kind: 'restore', backupId, target: 'copy' }))
  expect(refused).toMatchObject({ state: 'failed', attempt: 1 })
  expect(refused.error?.message).toContain('The database of target copy is not empty')
  expect(refused.error?.hint).toContain('"overwrite": true')
  const options = { overwrite: true }
  const agreed = await ended(await submit({ kind: 'restore', backupId, target: 'copy', options }))
  expect(agreed).toMatchObject({ state: 'done', error: null })
})

test('why a restore failed says neither host nor user nor database to whoever may read jobs; the log does', async () => {
  const { error } = await ended(await submit({ kind: 'restore', backupId, target: 'away' }))
  expect(error?.code).toBe('UNREACHABLE')
  expect(error?.message).toContain('PostgreSQL at target away cannot be reached')
  expect(JSON.stringify(error)).not.toMatch(/somebody|hidden_name|127\.0\.0\.1|secret/)
  expect(service.log()).toContain('hidden_name')
})

test('a restore whose process is killed has failed and is not done again; the target is as it was', async () => {
  await server.sql('copy_live', 'create table mark ()')
  const before = await checksumsOf(server, 'copy_live')
  const held = holdCall(vault, { method: 'getfile', phase: 'arrived', nth: 2 })
  const id = await submit({ kind: 'restore', backupId, target: 'copy', options: { overwrite: true } })
  await held.reached
  const killed = service.end('SIGKILL')
  await killed
  held.release()
  service = startServe(env)
  await service.ready
  expect(await ended(id)).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'INTERRUPTED' } })
  expect(await checksumsOf(server, 'copy_live')).toBe(before)
})

test('a restore that is cancelled stops; nothing of it is left', async () => {
  const before = await checksumsOf(server, 'copy_live')
  const held = holdCall(vault, { method: 'getfile', phase: 'arrived', nth: 2 })
  const id = await submit({ kind: 'restore', backupId, target: 'copy', options: { overwrite: true } })
  await held.reached
  const queue = await openJobQueue(database, { tends: false })
  await queue.cancel(id)
  await queue.stop()
  expect(await ended(id)).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
  held.release()
  expect(await checksumsOf(server, 'copy_live')).toBe(before)
  expect(await service.end('SIGTERM')).toBe(0)
  // What a killed service leaves undoes itself in its own time.
  await expect.poll(() => processesWith(`:${new URL(server.url('x')).port}/`)).toEqual([])
})
