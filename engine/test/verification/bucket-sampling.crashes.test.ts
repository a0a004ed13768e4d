import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createBucket, findPacks, type Job, listJobs, removeBucket } from '@telegram-backup/database'
import {
  openTestCatalog,
  openTestVault,
  TEST_PART_SIZE_BYTES,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { openObjectStore } from '@telegram-backup/vault/objects/open-object-store.ts'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runVerifyJob } from '#job-handlers/verify-job.ts'
import type { JobRun, JobTools } from '#jobs/job-handler.ts'
import { jobView } from '#jobs/job-view.ts'
import { HOUR_MS } from '#verification/plan-sampling.ts'
import { sampleOnce } from '#verification/sampling.ts'

const RULES = { readAllWithinMs: 48 * HOUR_MS, messagesPerHour: 300 }
const { signal } = new AbortController()

let vault: TestVault
let catalog: TestCatalog
let bucketId: string
/** Of four packs, oldest first. */
let packIds: string[]

beforeEach(async () => {
  vault = await openTestVault()
  catalog = await openTestCatalog()
  const bucket = await createBucket(catalog, { name: 'laptops', kind: 'restic', projectId: 'shop' })
  bucketId = bucket.id
  const store = await openObjectStore({
    ...{ database: catalog, client: vault.client, cacheBytes: 0, signal, log: () => {} },
    config: { ...config(), partSizeBytes: TEST_PART_SIZE_BYTES, stateFolder: join(vault.folder, 'state') },
  })
  packIds = []
  for (const key of ['data/a', 'data/b', 'data/c', 'data/d']) {
    const body = (async function* () {
      yield randomBytes(500)
    })()
    const { pack_id } = await store.put(bucket, { key, body }, { signal })
    packIds.push(String(pack_id))
  }
  // The first two are due, the others are not.
  for (const [index, id] of packIds.entries()) await sentHoursAgo(id, [40, 30, 20, 1][index] ?? 0)
})
afterEach(async () => {
  await catalog.discard()
  await vault.close()
})

const config = () => ({
  chatId: String(vault.chatId),
  replicaChatId: undefined,
  encryption: { recipients: [vault.recipient] },
  identityFile: undefined,
  signingKeyFile: join(vault.folder, 'signing-key.pem'),
})
const sentHoursAgo = async (id: string, hours: number): Promise<void> => {
  await sql`update control_plane.packs set sent_at = clock_timestamp() - ${hours} * interval '1 hour' where id = ${id}`.execute(
    catalog.kysely,
  )
}
const sample = async (): Promise<Job[]> =>
  (await sampleOnce({ database: catalog, deliver: async () => {}, rules: RULES })).jobs
const isRead = async (): Promise<boolean[]> =>
  (await findPacks(catalog, packIds)).map(({ verified_at }) => verified_at !== null)

/** Runs it as a process does, and records its end. */
async function runJob(job: Job | undefined): Promise<string[]> {
  if (job === undefined) throw new Error('there is no job')
  const lines: string[] = []
  const run: JobRun = {
    ...{ job, signal, stopReason: () => undefined, report: () => {}, note: () => {} },
    tell: (_, text) => void lines.push(text),
  }
  const tools = {
    config: config(),
    database: catalog,
    client: vault.client,
    log: console,
  } as unknown as JobTools
  let state = 'failed'
  try {
    await runVerifyJob(run, tools)
    state = 'done'
  } finally {
    await sql`update control_plane.jobs set state = ${state}, started_at = created_at, finished_at = clock_timestamp()
               where id = ${job.id}`.execute(catalog.kysely)
  }
  return lines
}
const anHourPasses = async (): Promise<void> => {
  await sql`update control_plane.jobs set created_at = created_at - interval '61 minutes'`.execute(
    catalog.kysely,
  )
}

it('packs of buckets are read by themselves, the longest unread first, once for all processes', async () => {
  const looks = await Promise.all(Array.from({ length: 4 }, sample))
  const jobs = looks.flat()
  expect(jobs).toMatchObject([
    {
      ...{ kind: 'verify', backup_id: null, project_id: 'shop', actor: 'sampling' },
      options: { bucket_id: bucketId, packs: 1, messages: 1, read_data: true },
    },
  ])
  expect(jobs.map(jobView)).toMatchObject([{ bucket_id: bucketId, bucket: 'laptops' }])
  expect(await sample()).toEqual([])
  const lines = await runJob(jobs[0])
  expect(lines.at(-1)).toMatch(/^1 message, .* read: sound$/)
  expect(await isRead()).toEqual([true, false, false, false])
  // The share of this hour is used up.
  expect(await sample()).toEqual([])
  await anHourPasses()
  await runJob((await sample())[0])
  expect(await isRead()).toEqual([true, true, false, false])
  await anHourPasses()
  expect(await sample()).toEqual([])
  expect(await listJobs(catalog, { limit: 10 })).toHaveLength(2)
})

it('damage fails the job, and known damage does not hide what else is due', async () => {
  const [first] = await findPacks(catalog, packIds)
  vault.emulator.asHuman.deleteMessage(vault.chatId, Number(first?.messages[0]?.message_id))
  await expect(runJob((await sample())[0])).rejects.toMatchObject({
    code: 'INTEGRITY',
    message: expect.stringContaining('Bucket laptops is damaged'),
  })
  // What failed is not tried again at once.
  await anHourPasses()
  expect(await sample()).toEqual([])
  for (let hour = 0; hour < 6; hour++) await anHourPasses()
  await runJob((await sample())[0])
  expect(await isRead()).toEqual([false, true, false, false])
})

it('a bucket that is removed before its turn is no failure, and none of its packs is asked for again', async () => {
  const [job] = await sample()
  await removeBucket(catalog, bucketId)
  await runJob(job)
  await anHourPasses()
  expect(await sample()).toEqual([])
  expect(await isRead()).toEqual([false, false, false, false])
})
