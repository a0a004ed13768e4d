import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { createJob, listApiKeys, listJobs, removePerson, revokeApiKey } from '@telegram-backup/database'
import { expectNothingLost } from '@telegram-backup/test-support/nothing-lost.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { signedIn } from '#test/http/browser.ts'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService

beforeAll(async () => {
  service = await openTestService()
})

afterAll(async () => {
  await service.close()
})

it('a key that is revoked ends what it has begun: an upload is taken back, a download and a stream of events break off', async () => {
  const { database, server, vault } = service
  const key = await service.key(['admin'])
  const id = await upload(service, { key, bytes: randomBytes(4_000_000) })
  const queued = await createJob(database, { kind: 'expire' }, async () => {})
  // It begins, and would last for many minutes.
  vault.emulator.faults.on('download', { call: 7, calls: 1_000 }, { kind: 'slow', bytesPerSecond: 1_000 })
  const content = await service.ask(`/backups/${id}/content`, { key })
  const events = await service.ask(`/jobs/${queued.job.id}/events`, { key })
  const sending = request(`${server.url}/api/v1/backups/upload?project_id=shop&type=logs`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}` },
  })
  sending.on('error', () => {})
  const feeding = setInterval(() => sending.write(randomBytes(1_000)), 100)
  const running = () => listJobs(database, { limit: 5, state: 'running' })
  await expect.poll(async () => (await running()).length).toBe(1)
  const ends = Promise.allSettled([content.arrayBuffer(), events.text(), once(sending, 'close')])
  const apiKey = (await listApiKeys(database)).find(({ prefix }) => key.startsWith(prefix))
  await revokeApiKey(database, apiKey?.id ?? '')
  const [bytes, text] = await ends
  clearInterval(feeding)
  expect([bytes.status, text.status]).toEqual(['rejected', 'rejected'])
  await expect.poll(running).toEqual([])
  const [job] = await listJobs(database, { limit: 5 }).then(jobs =>
    jobs.filter(({ kind }) => kind === 'backup'),
  )
  expect(job?.state).toBe('cancelled')
  vault.emulator.faults.clear()
  await expectNothingLost(vault, { database, chatId: vault.chatId })
})

it.each([
  ['keeps the scope read alone', "scopes = array['read']"],
  ['is bound to another project', "project_id = 'another'"],
])('a key that %s meanwhile loses the download and the upload that it has begun', async (_, change) => {
  const { database, server, vault } = service
  const key = await service.key(['admin'])
  const id = await upload(service, { key, bytes: randomBytes(4_000_000) })
  vault.emulator.faults.on('download', { call: 7, calls: 1_000 }, { kind: 'slow', bytesPerSecond: 1_000 })
  const content = await service.ask(`/backups/${id}/content`, { key })
  const sending = request(`${server.url}/api/v1/backups/upload?project_id=shop&type=logs`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}` },
  })
  sending.on('error', () => {})
  const feeding = setInterval(() => sending.write(randomBytes(1_000)), 100)
  const running = () => listJobs(database, { limit: 5, state: 'running' })
  await expect.poll(async () => (await running()).length).toBe(1)
  const ends = Promise.allSettled([content.arrayBuffer(), once(sending, 'close')])
  const apiKey = (await listApiKeys(database)).find(({ prefix }) => key.startsWith(prefix))
  await sql`update control_plane.api_keys set ${sql.raw(change)} where id = ${apiKey?.id}`.execute(
    database.kysely,
  )
  const [bytes] = await ends
  clearInterval(feeding)
  expect(bytes.status).toBe('rejected')
  await expect.poll(running).toEqual([])
  vault.emulator.faults.clear()
})

it('a session that is ended loses the streams and the download that it has begun', async () => {
  const { database, vault } = service
  const browser = await signedIn(service, { name: 'ann', role: 'restorer' })
  const id = await upload(service, { key: await service.key(['admin']), bytes: randomBytes(4_000_000) })
  vault.emulator.faults.on('download', { call: 7, calls: 1_000 }, { kind: 'slow', bytesPerSecond: 1_000 })
  const content = await browser.ask(`/backups/${id}/content`)
  const events = await browser.ask('/events')
  const ends = Promise.allSettled([content.arrayBuffer(), events.text()])
  await removePerson(database, browser.id)
  const since = performance.now()
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(performance.now() - since).toBeLessThan(30_000)
  vault.emulator.faults.clear()
})
