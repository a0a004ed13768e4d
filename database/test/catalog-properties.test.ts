import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  type BackupType,
  createBackup,
  deleteExpiredBackups,
  manifestBelow,
  queryBackups,
  updateBackup,
} from '#index.ts'
import { isUuid } from '#input-checks.ts'
import { emptyCatalog } from '#test/empty-catalog.ts'
import { CHAT, TestSend } from '#test/test-send.ts'

let database: TestCatalog
beforeAll(async () => {
  database = await openTestCatalog()
})
afterAll(() => database.discard())
beforeEach(() => emptyCatalog(database))

const HOUR_MS = 3_600_000
const at = (hour: number) => new Date(Date.UTC(2026, 0, 1) + hour * HOUR_MS)
const type = fc.constantFrom<BackupType>('database', 'storage', 'logs')
const project = fc.constantFrom('a', 'b')

test('what the code takes for a UUID, PostgreSQL can read', async () => {
  const near = fc.string({
    unit: fc.constantFrom(...'0123456789abcdefABCDEFg-{}'),
    minLength: 30,
    maxLength: 40,
  })
  await fc.assert(
    fc.asyncProperty(fc.oneof(near, fc.uuid()), async id => {
      if (isUuid(id)) await sql`select ${id}::uuid`.execute(database.kysely)
    }),
  )
})

test('pages of any size, put together, are the list as a model has it', async () => {
  const backups = fc.array(fc.record({ project, type, hour: fc.nat(5) }), { maxLength: 12 })
  const filter = fc.record({ projectId: project, type }, { requiredKeys: [] })
  await fc.assert(
    fc.asyncProperty(backups, filter, fc.integer({ min: 1, max: 5 }), async (list, wanted, limit) => {
      await emptyCatalog(database)
      const created = []
      for (const { hour, ...rest } of list) {
        created.push(
          await createBackup(database, {
            project_id: rest.project,
            type: rest.type,
            file_id: 'f',
            size: 1,
            created_at: at(hour),
          }),
        )
      }
      const expected = created
        .filter(backup => wanted.projectId === undefined || backup.project_id === wanted.projectId)
        .filter(backup => wanted.type === undefined || backup.type === wanted.type)
        .sort(
          (one, other) =>
            other.created_at.getTime() - one.created_at.getTime() || (one.id < other.id ? -1 : 1),
        )
      const seen = []
      for (let offset = 0; offset === 0 || offset < expected.length; offset += limit) {
        const { data, total } = await queryBackups(database, { ...wanted, limit, offset })
        expect(total).toBe(expected.length)
        seen.push(...data)
      }
      expect(seen).toEqual(expected)
    }),
    { numRuns: roundsOf(5) },
  )
})

test('expiry never takes the last good backup, and takes all others that are due', async () => {
  const backups = fc.array(
    fc.record({ project, type, created: fc.nat(20), expires: fc.nat(20), damaged: fc.boolean() }),
    { maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(backups, fc.nat(20), async (list, nowHour) => {
      await emptyCatalog(database)
      for (const { created, expires, damaged, ...rest } of list) {
        const times = { created_at: at(created), expires_at: at(expires) }
        const { id } = await createBackup(database, {
          project_id: rest.project,
          type: rest.type,
          file_id: 'f',
          size: 1,
          ...times,
        })
        if (damaged) await updateBackup(database, id, { damaged_at: at(0) })
      }
      const count = await deleteExpiredBackups(database, { now: at(nowHour) })
      const { data } = await queryBackups(database)
      const erasing = data.filter(({ state }) => state === 'erasing')
      expect(erasing).toHaveLength(count)
      expect(erasing.every(({ expires_at }) => expires_at <= at(nowHour))).toBe(true)
      for (const group of Map.groupBy(data, backup => `${backup.project_id} ${backup.type}`).values()) {
        const kept = group.filter(({ state }) => state === 'complete')
        expect(kept.length).toBeGreaterThan(0)
        if (group.some(backup => !backup.damaged_at))
          expect(kept.some(backup => !backup.damaged_at)).toBe(true)
        expect(kept.filter(({ expires_at }) => expires_at <= at(nowHour)).length).toBeLessThanOrEqual(1)
      }
    }),
    { numRuns: roundsOf(8) },
  )
})

test('a backup can be completed exactly when all its messages are proven and the sums are right', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(
        fc.record({ partNumber: fc.nat(5), confirmed: fc.boolean(), size: fc.integer({ min: 9, max: 11 }) }),
        { maxLength: 7 },
      ),
      fc.integer({ min: -1, max: 1 }),
      async (partCount, messages, error) => {
        const send = new TestSend(database)
        await send.begin()
        const known = new Map<number, { sent: boolean; size: number }>()
        // The right messages first, so that there are also backups that can be completed.
        const planned = [...Array(partCount + 1).keys()].map(partNumber => ({
          partNumber,
          confirmed: true,
          size: 10,
        }))
        for (const { partNumber, confirmed, size } of messages.length > 4
          ? messages
          : [...planned, ...messages.slice(2)]) {
          if (known.get(partNumber)?.sent) continue
          await send.intend(partNumber, { sizeBytes: size })
          if (confirmed) await send.confirm(partNumber)
          known.set(partNumber, { sent: confirmed, size })
        }
        const parts = [...known].filter(([partNumber]) => partNumber > 0)
        const sum = parts.reduce((total, [, { size }]) => total + size, 0)
        const whole =
          known.has(0) &&
          [...known.values()].every(({ sent }) => sent) &&
          parts.length === partCount &&
          parts.every(([partNumber]) => partNumber <= partCount)
        const completing = send.complete({ partCount, archiveSize: Math.max(0, sum + error) })
        if (whole && error === 0) expect((await completing).state).toBe('complete')
        else await expect(completing).rejects.toMatchObject({ code: 'CONFLICT' })
      },
    ),
    {
      numRuns: roundsOf(12),
      examples: [
        [1, [], 0],
        [4, [], 0],
        [2, [], 1],
      ],
    },
  )
})

test('senders at once in one chat do not disturb each other', async () => {
  const sends = [1, 2, 3, 4, 5, 6].map(() => new TestSend(database))
  await Promise.all(
    sends.map(async send => {
      await send.begin(CHAT)
      await send.send(1, 2, 3, 0)
      await send.complete()
    }),
  )
  expect((await queryBackups(database, { state: 'complete' })).total).toBe(6)
  expect(await manifestBelow(database, { chatId: CHAT, messageId: 501 })).toBe(500)
})
