import { randomUUID } from 'node:crypto'
import {
  catalogIdentity,
  chatMoved,
  createSchedule,
  type ImportedBackup,
  importBackup,
  type NewSchedule,
  pinBackup,
  removeSchedule,
  setRetentionPolicy,
  updateSchedule,
} from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { drawIndex } from '#ledger/draw-index.ts'

const CHAT = '-1001'
const NIGHTLY: NewSchedule = {
  id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  source: 'shop-db',
  projectId: 'shop',
  type: 'database',
  cron: '33 5 * * *',
  timezone: 'Europe/Berlin',
  keep: { daily: 7, within_ms: 86_400_000 },
  jitterSeconds: 60,
  catchUp: 'skip',
  nextRunAt: new Date('2026-01-01'),
}
const MOMENT = '2026-01-02T03:04:05.678Z'

let database: Awaited<ReturnType<typeof openTestCatalog>>

beforeEach(async () => {
  database = await openTestCatalog()
})

afterEach(() => database.discard())

const draw = () => drawIndex(database, CHAT)

function whole(more: Partial<ImportedBackup> = {}): ImportedBackup {
  const messages = [1, 0].map(partNumber => ({
    ...{ chatId: CHAT, kind: partNumber === 0 ? ('manifest' as const) : ('part' as const), partNumber },
    ...{ state: 'sent' as const, messageId: 500 + partNumber, fileId: 'id', botId: '42', fileName: 'f' },
    size: 10,
    sha256: 'c'.repeat(64),
  }))
  return {
    ...{ id: randomUUID(), projectId: 'shop', type: 'database', state: 'complete', filename: 'shop.sql' },
    ...{ chatId: CHAT, encrypted: true, createdAt: new Date(MOMENT), size: 300, archiveSize: 20 },
    ...{ plainSha256: 'a'.repeat(64), partCount: 1, messages, trust: 1 },
    ...more,
  }
}

test('the index says all of each live backup', async () => {
  const { catalogId } = await catalogIdentity(database)
  const empty = { catalogId, generation: 1, chatId: CHAT, signers: [], hasPlans: true, backups: [] }
  expect(await draw()).toEqual(empty)
  const time = new Date(MOMENT)
  const backup = whole({
    ...{ signer: 'ed25519:b', restoreCount: 2, sourceName: 'shop-db', scheduleId: NIGHTLY.id as string },
    ...{ scheduledFor: time, expiryGiven: true, expiresAt: time, pinnedAt: time, verifiedAt: time },
    ...{ damagedAt: time, completedAt: time, history: [{ event: 'restored', at: MOMENT, count: 2 }] },
  })
  await importBackup(database, backup)
  const { history, ...entry } = (await draw()).backups[0] ?? {}
  expect({ ...(await draw()), backups: [] }).toEqual({ ...empty, signers: ['ed25519:b'] })
  expect(entry).toEqual({
    ...{ id: backup.id, project: 'shop', type: 'database', filename: 'shop.sql', state: 'complete' },
    ...{ createdAt: MOMENT, completedAt: MOMENT, expiresAt: MOMENT, plainSize: 300 },
    ...{ plainSha256: 'a'.repeat(64), archiveSize: 20, partCount: 1, encrypted: true, restoreCount: 2 },
    ...{ sourceName: 'shop-db', scheduleId: NIGHTLY.id, scheduledFor: MOMENT, expiryGiven: true },
    ...{ pinnedAt: MOMENT, verifiedAt: MOMENT, damagedAt: MOMENT, signer: 'ed25519:b' },
    manifest: { messageId: 500, fileId: 'id', botId: '42', size: 10, sha256: 'c'.repeat(64) },
    partMessages: [501],
  })
  expect(history).toContainEqual({ event: 'restored', at: MOMENT, count: 2 })
})

test('what is not known of a backup is not in the index', async () => {
  const { messages } = whole()
  await importBackup(database, whole({ messages: messages.map(({ botId: _, ...message }) => message) }))
  const entry = (await draw()).backups[0] ?? {}
  for (const name of ['sourceName', 'scheduleId', 'scheduledFor', 'expiryGiven', 'pinnedAt', 'verifiedAt'])
    expect(entry).not.toHaveProperty(name)
  for (const name of ['damagedAt', 'signer', 'manifest.botId']) expect(entry).not.toHaveProperty(name)
})

test('a group that has moved says which ids it had, and vouches for those who signed there', async () => {
  await importBackup(database, whole({ signer: 'ed25519:a' }))
  expect(await draw()).not.toHaveProperty('movedFrom')
  await chatMoved(database, { from: CHAT, to: '-100999' })
  const drawing = await drawIndex(database, '-100999')
  expect(drawing).toMatchObject({ movedFrom: [CHAT], signers: ['ed25519:a'], backups: [] })
})

test('schedules and policies are in the index of every chat, sorted, without what changes when one fires', async () => {
  expect(await draw()).not.toHaveProperty('schedules')
  expect(await draw()).not.toHaveProperty('retention')
  await createSchedule(database, NIGHTLY)
  await createSchedule(database, {
    ...NIGHTLY,
    id: '11111111-7425-40de-944b-e07fc1f90ae7',
    enabled: false,
    keep: null,
    jitterSeconds: 0,
    catchUp: 'once',
    nextRunAt: null,
  })
  await setRetentionPolicy(database, { project_id: 'shop', type: 'logs', keep: { last: 3 } })
  await setRetentionPolicy(database, { project_id: 'Shop', type: 'storage', keep: {} })
  const shared = { source: 'shop-db', project: 'shop', type: 'database', cron: '33 5 * * *' }
  const drawing = await draw()
  expect(drawing).toMatchObject({
    schedules: [
      {
        ...{ ...shared, id: '11111111-7425-40de-944b-e07fc1f90ae7', timezone: 'Europe/Berlin' },
        ...{ enabled: false, jitterSeconds: 0, catchUp: 'once' },
      },
      {
        ...{ ...shared, id: NIGHTLY.id, timezone: 'Europe/Berlin', enabled: true, jitterSeconds: 60 },
        ...{ catchUp: 'skip', keep: { daily: 7, withinMs: 86_400_000 } },
      },
    ],
    retention: [
      { project: 'Shop', type: 'storage', keep: {} },
      { project: 'shop', type: 'logs', keep: { last: 3 } },
    ],
  })
  expect(drawing.schedules?.[0]).not.toHaveProperty('keep')
  await sql`update control_plane.schedules set next_run_at = now(), last_fired_for = now(), updated_at = now()`.execute(
    database.kysely,
  )
  expect(await draw()).toEqual(drawing)
  expect((await drawIndex(database, '-200')).schedules).toEqual(drawing.schedules)
})

test('what a person changes changes the drawing', async () => {
  await createSchedule(database, NIGHTLY)
  const id = NIGHTLY.id as string
  const backup = whole()
  await importBackup(database, backup)
  const changes = [
    () => updateSchedule(database, id, { cron: '1 1 * * *' }),
    () => updateSchedule(database, id, { enabled: false }),
    () => updateSchedule(database, id, { keep: null }),
    () => setRetentionPolicy(database, { project_id: 'shop', type: 'logs', keep: { last: 3 } }),
    () => setRetentionPolicy(database, { project_id: 'shop', type: 'logs', keep: { last: 4 } }),
    () => setRetentionPolicy(database, { project_id: 'shop', type: 'logs', keep: null }),
    () => pinBackup(database, backup.id, true),
    () => pinBackup(database, backup.id, false),
    () => removeSchedule(database, id),
  ]
  let before = JSON.stringify(await draw())
  for (const change of changes) {
    await change()
    const after = JSON.stringify(await draw())
    expect(after).not.toBe(before)
    before = after
  }
})

test('a policy that is none of our making is drawn as one that keeps all, and what no index can hold is left out', async () => {
  await createSchedule(database, NIGHTLY)
  await createSchedule(database, { ...NIGHTLY, id: randomUUID(), source: 'x'.repeat(257) })
  await sql`update control_plane.schedules set keep = '{"last": 3, "quarterly": 1}'`.execute(database.kysely)
  expect((await draw()).schedules).toMatchObject([{ id: NIGHTLY.id, keep: {} }])
  await sql`update control_plane.schedules set keep = '{"last": "3"}'`.execute(database.kysely)
  expect((await draw()).schedules).toMatchObject([{ id: NIGHTLY.id, keep: {} }])
  await importBackup(database, whole({ sourceName: 'x'.repeat(257) }))
  expect((await draw()).backups[0]).not.toHaveProperty('sourceName')
})
