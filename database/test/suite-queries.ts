import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type BackupType,
  createBackup,
  type Database,
  deleteBackup,
  getBackupStats,
  queryBackups,
  queryByProject,
  queryByTypeAndDateRange,
} from '#index.ts'

const HOUR_MS = 3_600_000
const start = new Date('2026-03-29T00:00:00Z')
const at = (hours: number) => new Date(start.getTime() + hours * HOUR_MS)

/** Lists and statistics. */
export function describeQueries(open: () => Promise<Database>): void {
  describe('queries', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    async function add(project: string, type: BackupType, hour: number, size = 1): Promise<string> {
      const input = { project_id: project, type, file_id: 'f', size, created_at: at(hour) }
      return (await createBackup(database, input)).id
    }

    test('a project’s backups come newest first, in pages, with the number of all', async () => {
      const ids = [await add('a', 'database', 1), await add('a', 'logs', 3), await add('a', 'database', 2)]
      await add('b', 'database', 9)
      const newestFirst = [ids[1], ids[2], ids[0]]
      const page = async (filter?: Parameters<typeof queryByProject>[2]) => {
        const { data, total } = await queryByProject(database, 'a', filter)
        return [total, data.map(({ id }) => id)]
      }
      expect(await page()).toEqual([3, newestFirst])
      expect(await page({ limit: 1, offset: 1 })).toEqual([3, [newestFirst[1]]])
      expect(await page({ offset: 2 })).toEqual([3, [newestFirst[2]]])
      expect(await page({ offset: 5 })).toEqual([3, []])
      expect(await page({ limit: 0 })).toEqual([3, []])
      expect(await page({ type: 'database', limit: 1 })).toEqual([2, [ids[2]]])
      expect(await queryByProject(database, 'unknown')).toEqual({ data: [], total: 0 })
    })

    test('pages never repeat or leave out a backup, even when all have the same time', async () => {
      const ids = new Set<string>()
      for (let count = 0; count < 7; count++) ids.add(await add('a', 'logs', 1))
      const seen: string[] = []
      for (let offset = 0; offset < 7; offset += 2) {
        const { data } = await queryBackups(database, { limit: 2, offset })
        seen.push(...data.map(({ id }) => id))
      }
      expect(seen).toHaveLength(7)
      expect(new Set(seen)).toEqual(ids)
    })

    test('the list of all can be narrowed by project, type and state', async () => {
      const gone = await add('a', 'database', 1)
      await add('b', 'database', 2)
      await add('b', 'storage', 3)
      await deleteBackup(database, gone)
      expect((await queryBackups(database)).total).toBe(3)
      expect((await queryBackups(database, { projectId: 'b' })).total).toBe(2)
      expect((await queryBackups(database, { type: 'database' })).total).toBe(2)
      expect((await queryBackups(database, { state: 'erasing' })).data.map(({ id }) => id)).toEqual([gone])
      expect((await queryBackups(database, { type: 'database', state: 'complete' })).total).toBe(1)
    })

    test.each([{ limit: -1 }, { limit: 1.5 }, { offset: -1 }, { offset: Number.NaN }])(
      'page %j is refused',
      async page => {
        await expect(queryBackups(database, page)).rejects.toMatchObject({ code: 'INVALID' })
        await expect(queryByProject(database, 'a', page)).rejects.toMatchObject({ code: 'INVALID' })
      },
    )

    test('a range of dates includes both its ends', async () => {
      const ids = [await add('a', 'logs', 1), await add('b', 'logs', 2), await add('a', 'logs', 3)]
      await add('a', 'database', 2)
      const found = async (from: number, to: number, filter = {}) =>
        (await queryByTypeAndDateRange(database, 'logs', at(from), at(to), filter)).data.map(({ id }) => id)
      expect(await found(1, 3)).toEqual([ids[2], ids[1], ids[0]])
      expect(await found(1.001, 2.999)).toEqual([ids[1]])
      expect(await found(3, 1)).toEqual([])
      expect(await found(0, 9, { projectId: 'a' })).toEqual([ids[2], ids[0]])
      expect(await found(0, 9, { limit: 1, offset: 1 })).toEqual([ids[1]])
      const broken = queryByTypeAndDateRange(database, 'logs', new Date(Number.NaN), at(1))
      await expect(broken).rejects.toMatchObject({ code: 'INVALID' })
    })

    test('the times of a backup made now find it again, to the millisecond', async () => {
      for (let round = 0; round < 10; round++) {
        const { id, created_at, expires_at } = await createBackup(database, {
          project_id: 'now',
          type: 'logs',
          file_id: 'f',
          size: 1,
        })
        const { data } = await queryByTypeAndDateRange(database, 'logs', created_at, created_at)
        expect(data.map(backup => backup.id)).toContain(id)
        expect(expires_at.getTime() - created_at.getTime()).toBe(720 * HOUR_MS)
      }
    })

    test('statistics count the complete backups', async () => {
      expect(await getBackupStats(database)).toEqual({
        total_backups: 0,
        total_size: 0,
        by_type: { database: 0, storage: 0, logs: 0 },
        oldest_backup: null,
        newest_backup: null,
        expiring_soon: 0,
        damaged: 0,
        with_missing_files: 0,
      })
      await add('a', 'database', 1, 10)
      await add('a', 'database', 5, 20)
      await add('a', 'logs', 3, 2 ** 40)
      await add('b', 'storage', 9, 7)
      await deleteBackup(database, await add('a', 'logs', 0, 1000))
      expect(await getBackupStats(database, 'a')).toMatchObject({
        total_backups: 3,
        total_size: 30 + 2 ** 40,
        by_type: { database: 2, storage: 0, logs: 1 },
        oldest_backup: at(1),
        newest_backup: at(5),
      })
      expect(await getBackupStats(database)).toMatchObject({ total_backups: 4, newest_backup: at(9) })
    })

    test('expiring soon means within the next 7 days', async () => {
      for (const days of [-1, 0.1, 6.9, 7.1, 30]) {
        const expires_at = new Date(Date.now() + days * 24 * HOUR_MS)
        await createBackup(database, { project_id: 'a', type: 'logs', file_id: 'f', size: 1, expires_at })
      }
      expect((await getBackupStats(database)).expiring_soon).toBe(2)
    })

    test('a sum that no number can hold is refused, not rounded', async () => {
      await add('a', 'logs', 1, Number.MAX_SAFE_INTEGER)
      await add('a', 'logs', 2, Number.MAX_SAFE_INTEGER)
      await expect(getBackupStats(database)).rejects.toMatchObject({
        code: 'CATALOG',
        message: expect.stringContaining('bigint'),
      })
    })
  })
}
