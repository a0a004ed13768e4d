import {
  acquireLease,
  addSourcePolicy,
  beginVerification,
  finishVerification,
  listRetentionPolicies,
  queryBackups,
  setRetentionPolicy,
} from '@telegram-backup/database'
import { parseKeep } from '@telegram-backup/engine/retention/parse-keep.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'
import { type Ask, conformingAsk } from '#test/http/operator-bench.ts'

let service: TestService
let ask: Ask
let admin: string
let reader: string
let stranger: string
const backups: string[] = []

beforeAll(async () => {
  service = await openTestService()
  ask = await conformingAsk(service)
  admin = await service.key(['admin'])
  reader = await service.key(['read', 'restore'], { projectId: 'shop' })
  stranger = await service.key(['admin'], { projectId: 'other' })
  for (const text of ['first', 'second', 'third']) {
    backups.unshift(await upload(service, { key: admin, bytes: Buffer.from(text) }))
  }
})
afterAll(() => service.close())

const preview = (key: string, json: unknown) => ask(key, 'POST', '/retention/preview', { json })
const SHOP = { project_id: 'shop', type: 'database' }

test('a preview says what another policy keeps and erases, and why, and changes nothing', async () => {
  const before = await queryBackups(service.database)
  await ask(admin, 'PUT', '/backups/{id}/pin', { id: backups[2] as string })
  const { status, body } = await preview(reader, { ...SHOP, keep: { last: 1 } })
  expect(status).toBe(200)
  expect(body).toEqual({
    keeps: [
      { id: backups[0], reasons: ['last 1 of 1'], needs_confirmation: false },
      { id: backups[2], reasons: ['pinned'], needs_confirmation: false },
    ],
    erases: [{ id: backups[1], reasons: ['no rule keeps it'], needs_confirmation: false }],
  })
  await ask(admin, 'DELETE', '/backups/{id}/pin', { id: backups[2] as string })
  const more = await preview(reader, { ...SHOP, keep: { last: 1 } })
  // Two of three at once need a person's word.
  expect(more.body['erases']).toEqual([])
  expect(more.body['keeps']).toMatchObject([{}, { needs_confirmation: true }, { needs_confirmation: true }])
  const none = await preview(reader, { ...SHOP, keep: null })
  expect(none.body['erases']).toEqual([])
  expect(await listRetentionPolicies(service.database)).toEqual([])
  const after = await queryBackups(service.database)
  expect(after.data.map(({ state }) => state)).toEqual(before.data.map(({ state }) => state))
})

test('policies are listed with what they keep and where they come from, within the project of the key', async () => {
  const keep = (last: number) => parseKeep({ last }) ?? {}
  await setRetentionPolicy(service.database, { ...SHOP, type: 'logs', keep: keep(3) })
  await addSourcePolicy(service.database, { ...SHOP, type: 'logs', source: 'web', keep: keep(7) })
  const { status, items } = await ask(reader, 'GET', '/retention')
  expect(status).toBe(200)
  expect(items).toEqual([
    { project_id: 'shop', type: 'logs', source: null, keep: { last: 3 } },
    { project_id: 'shop', type: 'logs', source: 'web', keep: { last: 7 } },
  ])
  expect((await ask(stranger, 'GET', '/retention')).items).toEqual([])
  expect((await ask(stranger, 'GET', '/retention', { query: '?project_id=shop' })).status).toBe(404)
})

test('a preview for a schedule changes the policy of that schedule alone', async () => {
  const id = backups[0] as string
  const { project_id, type } = (await ask(admin, 'GET', '/backups/{id}', { id })).body
  const kept = { project_id, type, keep: { last: 2 } }
  const strange = '00000000-0000-4000-8000-000000000000'
  expect((await preview(reader, { ...kept, schedule_id: strange })).status).toBe(404)
  expect((await preview(reader, { ...kept, schedule_id: strange, source: 'shop' })).status).toBe(400)
  // Backups without a source are not those of a schedule.
  const { status, body } = await preview(reader, { ...kept, keep: { last: 1 }, source: 'shop' })
  expect(status).toBe(200)
  expect(body).toMatchObject({ keeps: [{ id: backups[0] }, {}, {}], erases: [] })
})

test('the next runs of a schedule are those that it would have, and wrong times are refused', async () => {
  const ofSchedule = (json: object) => ask(reader, 'POST', '/schedules/preview', { json })
  const { status, body } = await ofSchedule({ cron: '30 2 * * *', timezone: 'Asia/Tokyo' })
  expect(status).toBe(200)
  const runs = (body['next_runs'] as string[]).map(run => new Date(run))
  expect(runs.map(run => run.toISOString().slice(11, 16))).toEqual(Array(5).fill('17:30'))
  expect(new Set(runs.map(Number)).size).toBe(5)
  for (const wrong of [{ cron: '0 0 31 2 *' }, { cron: '* * * * *', timezone: 'Mars/Base' }, { cron: 'x' }])
    expect((await ofSchedule(wrong)).status, JSON.stringify(wrong)).toBe(400)
})

test('a preview of a strange project is 404, and a bad policy 400', async () => {
  expect((await preview(stranger, { ...SHOP, keep: { last: 1 } })).status).toBe(404)
  for (const keep of [{ last: 0 }, { dayly: 1 }, { within: '1 fortnight' }, [], 'all', { tags: ['a b'] }]) {
    expect((await preview(reader, { ...SHOP, keep })).status, JSON.stringify(keep)).toBe(400)
  }
  expect((await preview(reader, { project_id: 'shop', type: 'database' })).status).toBe(400)
})

test('a preflight says what a restore would fetch and write, and each thing that stops it', async () => {
  const id = backups[0] as string
  const look = (key: string, json: object, of = id) =>
    ask(key, 'POST', '/backups/{id}/restore/preflight', { id: of, json })
  const { status, body } = await look(admin, { target: 'staging' })
  expect(status, JSON.stringify(body)).toBe(200)
  // There is no server.
  expect(body).toMatchObject({
    ...{ target: 'staging', writes: 5, parts: 1, way: null, replaces: null },
    fetches: expect.any(Number),
    ...{ takes_from: 'send', takes_measured_at: null },
    problems: [{ blocks: true, code: expect.any(String) }],
  })
  expect(JSON.stringify(body)).not.toMatch(/s3cret|localhost|user/)
  const tar = await upload(service, { key: admin, bytes: Buffer.from('x'), filename: 'www.tar' })
  const misfit = await look(admin, { target: 'staging' }, tar)
  expect(misfit.body['problems']).toMatchObject([{ code: 'USAGE', blocks: true }])
  // A target without a project is for unbound keys.
  for (const target of ['staging', 'other-db', 'nowhere']) {
    expect((await look(reader, { target })).status, target).toBe(404)
  }
  expect((await look(stranger, { target: 'other-db' })).status).toBe(404)
  expect((await look(admin, { target: 'staging' }, 'nonsense')).status).toBe(404)
  expect((await look(admin, { target: 'unset' })).status).toBe(503)
  for (const json of [
    {},
    { target: '../x' },
    { target: 'staging', overwrite: 'yes' },
    { target: 'a', x: 1 },
  ]) {
    expect((await look(admin, json)).status, JSON.stringify(json)).toBe(400)
  }
})

test('a preflight says whether its time is measured by a drill, or only that of the send', async () => {
  const id = await upload(service, { key: admin, bytes: Buffer.from('measured'), project: 'drilled' })
  const look = async () =>
    (await ask(admin, 'POST', '/backups/{id}/restore/preflight', { id, json: { target: 'staging' } })).body
  expect(await look()).toMatchObject({ takes_from: 'send', takes_measured_at: null })
  const lease = await acquireLease(service.database, { subject: id, purpose: 'verify' })
  const verificationId = await beginVerification(
    { ...service.database, actor: 'ann@desk' },
    { backupId: id, kind: 'drill', leaseToken: lease?.token ?? '' },
  )
  const phases = { fetch_seconds: 100, open_seconds: 20, restore_seconds: 3, compare_seconds: 4 }
  await finishVerification(service.database, {
    ...{ verificationId, state: 'sound', parts: 1, bytes: 8, findings: [], depth: 'restored' },
    report: { phases },
  })
  await lease?.release()
  const measured = await look()
  expect(measured).toMatchObject({ takes_from: 'drill', takes_seconds: 123 })
  expect(Date.now() - Date.parse(String(measured['takes_measured_at']))).toBeLessThan(60_000)
})
