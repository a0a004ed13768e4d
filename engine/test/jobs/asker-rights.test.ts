import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import {
  type ApiScope,
  createApiKey,
  getBackupById,
  type Job,
  type NewJob,
  revokeApiKey,
} from '@telegram-backup/database'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runBackupJob } from '#job-handlers/backup-job.ts'
import { runDrillJob } from '#job-handlers/drill-job.ts'
import { runEraseJob } from '#job-handlers/erase-job.ts'
import { runRestoreJob } from '#job-handlers/restore-job.ts'
import { runVerifyJob } from '#job-handlers/verify-job.ts'

const HANDLERS = {
  ...{ backup: runBackupJob, restore: runRestoreJob },
  ...{ verify: runVerifyJob, drill: runDrillJob, erase: runEraseJob },
}

let world: JobsWorld
/** In place of the target's server: who comes here has touched it. */
let target: Server
let reached = 0
let path: string
let text: string
let backupId: string

beforeAll(async () => {
  world = await openJobsWorld()
  target = createServer(socket => {
    reached += 1
    socket.destroy()
  })
  await new Promise<void>(resolve => void target.listen(0, '127.0.0.1', resolve))
  path = world.tools.config.configFile ?? ''
  text = (await readFile(path, 'utf8')).replace('127.0.0.1:1/', `127.0.0.1:${portOf(target)}/`)
  await write('alpha')
  world.run(HANDLERS)
  const { job } = await world.queue.submit({ kind: 'backup', projectId: 'alpha', source: 'alpha' })
  backupId = (await world.until(job.id, 'done', 'failed')).backup_id ?? ''
  await world.stop()
})
afterAll(async () => {
  await world.close()
  await new Promise(resolve => target.close(resolve))
})
beforeEach(async () => {
  reached = 0
  await write('alpha')
})

const portOf = (server: Server): number => (server.address() as AddressInfo).port

/** The file, with the target of that project. */
async function write(project: string, sources = text): Promise<void> {
  const entry = sources.replace('/nothing" }', `/nothing", project: ${project} }`)
  await writeFile(path, entry, { mode: 0o600 })
  await world.tools.configFile.reread()
}

const WORK: Record<'backup' | 'restore' | 'verify' | 'drill' | 'erase', () => NewJob> = {
  backup: () => ({ kind: 'backup', projectId: 'alpha', source: 'alpha' }),
  restore: () => ({ kind: 'restore', projectId: 'alpha', backupId, target: 'copy' }),
  verify: () => ({ kind: 'verify', projectId: 'alpha', backupId }),
  drill: () => ({ kind: 'drill', projectId: 'alpha', backupId, target: 'copy' }),
  erase: () => ({ kind: 'erase', projectId: 'alpha', backupId, options: { even_the_last: true } }),
}
const KINDS = Object.keys(WORK) as (keyof typeof WORK)[]

/** Asks with a key of the project, lets something happen, and only then has the job begun. */
async function runAfter(
  kind: keyof typeof WORK,
  happens: (keyId: string) => Promise<unknown>,
  scopes: readonly ApiScope[] = ['admin'],
): Promise<{ job: Job; calls: number }> {
  const { apiKey } = await createApiKey(world.database, { name: 'k', scopes, projectId: 'alpha' })
  const { job } = await world.queue.submit({ ...WORK[kind](), byCaller: { callerId: apiKey.id } })
  await happens(apiKey.id)
  let calls = 0
  const unwatch = world.vault.emulator.watch(async () => void calls++)
  world.run(HANDLERS)
  const ended = await world.until(job.id, 'done', 'failed')
  await world.stop()
  unwatch()
  return { job: ended, calls }
}

test.each(KINDS)('a %s of a key that was revoked meanwhile touches nothing', async kind => {
  const { job, calls } = await runAfter(kind, keyId => revokeApiKey(world.database, keyId))
  expect({ calls, reached }).toEqual({ calls: 0, reached: 0 })
  expect(await getBackupById(world.database, backupId)).toMatchObject({ state: 'complete' })
  expect(job).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'FORBIDDEN' } })
})

test.each(KINDS)('a %s of a key that was bound to another project meanwhile touches nothing', async kind => {
  const { job, calls } = await runAfter(kind, keyId =>
    sql`update control_plane.api_keys set project_id = 'beta' where id = ${keyId}`.execute(
      world.database.kysely,
    ),
  )
  expect({ calls, reached }).toEqual({ calls: 0, reached: 0 })
  expect(job).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'FORBIDDEN' } })
})

test('a target that has come to another project, or to none, since it was asked for is not touched', async () => {
  for (const kind of ['restore', 'drill'] as const) {
    for (const happens of [() => write('beta'), async () => writeFile(path, text, { mode: 0o600 })]) {
      const { job } = await runAfter(kind, happens)
      expect(reached).toBe(0)
      expect(job).toMatchObject({ state: 'failed', error: { code: 'FORBIDDEN' } })
    }
  }
})

test('a source that has come to another project since it was asked for is not read', async () => {
  const moved = text.replace('project: alpha', 'project: beta')
  const { job, calls } = await runAfter('backup', () => write('alpha', moved))
  expect(calls).toBe(0)
  expect(job).toMatchObject({ state: 'failed' })
})

test('what has stayed as it was is done: the target is reached, the backup sent', async () => {
  await runAfter('restore', async () => {}, ['restore'])
  expect(reached).toBeGreaterThan(0)
  const { job } = await runAfter('backup', async () => {}, ['backup'])
  expect(job).toMatchObject({ state: 'done', error: null })
})
