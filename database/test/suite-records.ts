import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  backupsByPrefix,
  type CreateBackupInput,
  createBackup,
  type Database,
  deleteBackup,
  deleteExpiredBackups,
  getBackupById,
  listHistory,
  queryBackups,
  updateBackup,
} from '#index.ts'

const DAY_MS = 86_400_000
const now = new Date('2026-06-15T12:00:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * DAY_MS)
const backup = { project_id: 'shop', type: 'database', file_id: 'BQAC', size: 1234 } as const

async function someoneWaits(database: Database): Promise<boolean> {
  const { rows } = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
  `.execute(database.kysely)
  return rows.length > 0
}

/** Create, read, update, delete. */
export function describeRecords(open: () => Promise<Database>): void {
  describe('records', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    test('a created backup is complete, with the defaults, and can be read back', async () => {
      const created = await createBackup(database, { ...backup, created_at: now })
      expect(created).toMatchObject({
        ...backup,
        state: 'complete',
        restore_count: 0,
        damaged_at: null,
        error: null,
      })
      expect(created.created_at).toEqual(now)
      expect(created.expires_at).toEqual(new Date(now.getTime() + 30 * DAY_MS))
      expect(created.completed_at).toBeInstanceOf(Date)
      expect(await getBackupById(database, created.id)).toEqual(created)
      expect(await listHistory(database, created.id)).toMatchObject([
        { event: 'created', actor: database.actor },
      ])
    })

    test('everything given is kept, up to the largest size a number can hold', async () => {
      const input: Required<CreateBackupInput> = {
        ...backup,
        id: randomUUID(),
        size: Number.MAX_SAFE_INTEGER,
        created_at: now,
        expires_at: daysAgo(-1),
        filename: 'täglich 💾.sql',
        caption: "it's; drop table backups --",
        chat_id: '@backups',
        bot_id: '1234567890',
        encrypted: true,
        archive_size: 99,
        plain_sha256: 'a'.repeat(64),
        archive_sha256: 'b'.repeat(64),
        part_count: 3,
        source: { version: '15.2', tables: ['a', { b: null }], zero: 0 },
        scheduled_for: daysAgo(0.5),
      }
      expect(await createBackup(database, input)).toMatchObject(input)
    })

    test.each([
      ['project_id', '../etc'],
      ['project_id', '-starts-with-a-hyphen'],
      ['project_id', 'a'.repeat(65)],
      ['project_id', 'a..b'],
      ['project_id', 'line\n'],
      ['project_id', ''],
      ['type', 'photos'],
      ['file_id', ''],
      ['file_id', 'nul\0'],
      ['size', -1],
      ['size', 1.5],
      ['size', 2 ** 53],
      ['size', '12'],
      ['id', 'no-uuid'],
      ['created_at', new Date(Number.NaN)],
      ['expires_at', 'tomorrow'],
      ['plain_sha256', 'xyz'],
      ['part_count', 0],
    ])('%s %j is refused, and nothing is written', async (field, value) => {
      const input = { ...backup, [field]: value } as CreateBackupInput
      await expect(createBackup(database, input)).rejects.toMatchObject({
        name: 'CatalogError',
        code: 'INVALID',
      })
      expect(await queryBackups(database)).toEqual({ data: [], total: 0 })
    })

    test('an id can be used once', async () => {
      const { id } = await createBackup(database, backup)
      await expect(createBackup(database, { ...backup, id })).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await listHistory(database, id)).toHaveLength(1)
    })

    test('an unknown id is null, and so is one that is no id at all', async () => {
      for (const id of [randomUUID(), 'nonsense', '', "' or true --"]) {
        expect(await getBackupById(database, id)).toBeNull()
        expect(await updateBackup(database, id, { restore_count: 1 })).toBeNull()
        expect(await deleteBackup(database, id)).toBe(false)
        expect(await listHistory(database, id)).toEqual([])
      }
    })

    test('an update changes what is given, and the history says what', async () => {
      const { id } = await createBackup(database, backup)
      const changed = await updateBackup(database, id, {
        restore_count: 2,
        expires_at: now,
        damaged_at: daysAgo(1),
      })
      expect(changed).toMatchObject({ ...backup, restore_count: 2, expires_at: now, damaged_at: daysAgo(1) })
      expect(changed?.expiry_given).toBe(true)
      expect(await updateBackup(database, id, {})).toEqual(changed)
      expect((await updateBackup(database, id, { damaged_at: null }))?.damaged_at).toBeNull()
      const history = await listHistory(database, id)
      expect(history.map(({ event }) => event)).toEqual(['created', 'updated', 'updated'])
      expect(history[1]?.details).toEqual({
        restore_count: 2,
        expires_at: now.toISOString(),
        expiry_given: true,
        damaged_at: daysAgo(1).toISOString(),
      })
    })

    test('columns that are not for updating stay as they are, whatever a caller passes', async () => {
      const { id } = await createBackup(database, backup)
      const patch = { id: randomUUID(), plain_sha256: 'f'.repeat(64), project_id: 'other', restore_count: 1 }
      expect(await updateBackup(database, id, patch)).toMatchObject({ ...backup, id, restore_count: 1 })
    })

    test('an id is found by its beginning, from eight characters on', async () => {
      const id = `0badcafe-${randomUUID().slice(9)}`
      const other = `0badcafe-${randomUUID().slice(9)}`
      await createBackup(database, { ...backup, id })
      const found = async (prefix: string) => (await backupsByPrefix(database, prefix, 5)).map(one => one.id)
      expect(await found(id)).toEqual([id])
      expect(await found('0BADCAFE')).toEqual([id])
      for (const none of ['0badcaf', '0badcaff', '', '%', '0badcafe%', 'nonsense']) {
        expect(await found(none)).toEqual([])
      }
      await createBackup(database, { ...backup, id: other })
      expect((await found('0badcafe')).toSorted()).toEqual([id, other].toSorted())
    })

    test('states only take the steps that a backup can take', async () => {
      const { id } = await createBackup(database, backup)
      for (const state of ['sending', 'failed', 'erased'] as const) {
        await expect(updateBackup(database, id, { state })).rejects.toMatchObject({ code: 'CONFLICT' })
      }
      expect((await updateBackup(database, id, { state: 'erasing' }))?.state).toBe('erasing')
      expect((await updateBackup(database, id, { state: 'erased' }))?.state).toBe('erased')
      await expect(updateBackup(database, id, { state: 'complete' })).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      expect((await listHistory(database, id)).map(({ event }) => event)).toEqual([
        'created',
        'erasing',
        'erased',
      ])
    })

    test('erasing by an update waits for other erasers, as deleting does', async () => {
      for (const erase of [
        async (id: string) => (await updateBackup(database, id, { state: 'erasing' }))?.state,
        async (id: string) => (await deleteBackup(database, id)) && 'erasing',
      ]) {
        const { id } = await createBackup(database, backup)
        const erased = await database.kysely.transaction().execute(async trx => {
          // As an eraser of another process does.
          await trx.selectFrom('catalog').select('id').forUpdate().execute()
          let early: unknown
          const erasing = erase(id).then(state => {
            early = state
            return state
          })
          while (early === undefined && !(await someoneWaits(database)));
          expect(early).toBeUndefined()
          return { erasing }
        })
        expect(await erased.erasing).toBe('erasing')
      }
    })

    test('deleting marks a backup as to be erased, once, also the last one', async () => {
      const { id } = await createBackup(database, backup)
      expect(await deleteBackup(database, id)).toBe(true)
      expect((await getBackupById(database, id))?.state).toBe('erasing')
      expect(await deleteBackup(database, id)).toBe(false)
      expect((await listHistory(database, id)).at(-1)).toMatchObject({
        event: 'erasing',
        details: { reason: 'deleted' },
      })
    })

    test('expired backups are marked, but never the last good one of a project and type', async () => {
      const add = async (type: 'database' | 'logs', created: number, expires: number, project = 'shop') =>
        (
          await createBackup(database, {
            ...backup,
            project_id: project,
            type,
            created_at: daysAgo(created),
            expires_at: daysAgo(expires),
          })
        ).id
      const old = await add('database', 40, 10)
      const newer = await add('database', 35, 5)
      const damaged = await add('database', 33, 3)
      await updateBackup(database, damaged, { damaged_at: daysAgo(1) })
      const onlyLogs = await add('logs', 40, 10)
      const otherProject = await add('database', 50, 20, 'other')
      const living = await add('database', 60, -1, 'living')
      const superseded = await add('database', 70, 30, 'living')
      const expiresNow = await add('database', 80, 0, 'living')
      const expiresSoon = await add('database', 80, -0.001, 'living')

      expect(await deleteExpiredBackups(database, { now })).toBe(4)
      const state = async (id: string) => (await getBackupById(database, id))?.state
      for (const id of [old, damaged, superseded, expiresNow]) expect(await state(id)).toBe('erasing')
      for (const id of [newer, onlyLogs, otherProject, living, expiresSoon])
        expect(await state(id)).toBe('complete')
      expect((await listHistory(database, old)).at(-1)).toMatchObject({
        event: 'erasing',
        details: { reason: 'expired' },
      })
      expect(await deleteExpiredBackups(database, { now })).toBe(0)
    })

    test('when all are damaged, the newest stays', async () => {
      const ids: string[] = []
      for (const age of [3, 2, 1]) {
        const { id } = await createBackup(database, {
          ...backup,
          created_at: daysAgo(40 + age),
          expires_at: daysAgo(age),
        })
        await updateBackup(database, id, { damaged_at: now })
        ids.push(id)
      }
      expect(await deleteExpiredBackups(database, { now })).toBe(2)
      const { data } = await queryBackups(database, { state: 'complete' })
      expect(data.map(({ id }) => id)).toEqual([ids[2]])
    })

    test('many erasers at once leave one good backup of all', async () => {
      for (let age = 1; age <= 8; age++) {
        await createBackup(database, { ...backup, created_at: daysAgo(40 + age), expires_at: daysAgo(age) })
      }
      const counts = await Promise.all([1, 2, 3, 4, 5, 6].map(() => deleteExpiredBackups(database, { now })))
      expect(counts.reduce((sum, count) => sum + count)).toBe(7)
      expect((await queryBackups(database, { state: 'complete' })).total).toBe(1)
    })
  })
}
