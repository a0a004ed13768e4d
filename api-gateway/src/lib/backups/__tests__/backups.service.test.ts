import {
  type Backup,
  BackupError,
  BackupType,
  createBackup,
  deleteBackup,
  deleteExpiredBackups,
  getBackupById,
  getBackupStats,
  listBackups,
  queryByProject,
  queryByTypeAndDateRange,
  updateBackup,
} from '@telegram-backup/api-gateway/backups'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const DAY_MS = 86_400_000
let database: Awaited<ReturnType<typeof openTestCatalog>>

beforeAll(async () => {
  database = await openTestCatalog()
})

afterAll(async () => {
  await database.discard()
})

function add(
  project_id: string,
  type: BackupType,
  dayOfJune: number,
  more: { expires_at?: Date } = {},
): Promise<Backup> {
  const created_at = new Date(Date.UTC(2026, 5, dayOfJune))
  return createBackup({ project_id, type, file_id: 'f', size: 100, created_at, ...more }, { database })
}

describe('the catalog’s functions', () => {
  it('create, get, update and delete one backup', async () => {
    const created = await createBackup(
      { project_id: 'crud', type: 'database', file_id: 'f-1', size: 7 },
      { database },
    )
    expect(created).toMatchObject({
      project_id: 'crud',
      type: 'database',
      file_id: 'f-1',
      size: 7,
      restore_count: 0,
    })
    expect(created.expires_at.getTime() - created.created_at.getTime()).toBe(30 * DAY_MS)
    expect(await getBackupById(created.id, { database })).toEqual(created)
    const updated = await updateBackup(
      created.id,
      { file_id: 'f-2', size: 8, restore_count: 1 },
      { database },
    )
    expect(updated).toMatchObject({ id: created.id, file_id: 'f-2', size: 8, restore_count: 1 })
    expect(await deleteBackup(created.id, { database })).toBe(true)
    expect(await deleteBackup(created.id, { database })).toBe(false)
    expect((await getBackupById(created.id, { database }))?.state).toBe('erasing')
  })

  it('an id that is unknown, or none, finds nothing', async () => {
    for (const id of ['3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11', 'nonsense', "'; --"]) {
      expect(await getBackupById(id, { database })).toBeNull()
      expect(await updateBackup(id, { size: 1 }, { database })).toBeNull()
      expect(await deleteBackup(id, { database })).toBe(false)
    }
  })

  it('query a project, newest first, by type and by page', async () => {
    for (let day = 1; day <= 5; day++) await add('pages', day % 2 === 0 ? 'logs' : 'database', day)
    const all = await queryByProject('pages', {}, { database })
    expect(all.total).toBe(5)
    expect(all.data.map(backup => backup.created_at.getUTCDate())).toEqual([5, 4, 3, 2, 1])
    const page = await queryByProject(
      'pages',
      { type: BackupType.DATABASE, limit: 2, offset: 1 },
      { database },
    )
    expect([page.total, page.data.map(backup => backup.created_at.getUTCDate())]).toEqual([3, [3, 1]])
    expect(await queryByProject('unknown', {}, { database })).toEqual({ data: [], total: 0 })
    expect((await listBackups({ state: 'complete', limit: 1 }, { database })).data).toHaveLength(1)
  })

  it('query by type and dates, of one project or of all', async () => {
    for (const project of ['range-a', 'range-b'])
      for (const day of [10, 12, 14]) await add(project, 'storage', day)
    const from = new Date('2026-06-12T00:00:00Z')
    const to = new Date('2026-06-30T00:00:00Z')
    const one = await queryByTypeAndDateRange('range-a', 'storage', from, to, {}, { database })
    expect(one.data.map(backup => backup.created_at.getUTCDate())).toEqual([14, 12])
    expect(
      (await queryByTypeAndDateRange('range-a', 'storage', from, to, { limit: 1, database })).data,
    ).toHaveLength(1)
    expect((await queryByTypeAndDateRange('storage', from, to, { database })).total).toBe(4)
  })

  it('count a project’s backups, or all', async () => {
    const soon = new Date(Date.now() + 6 * DAY_MS)
    await add('stats', 'logs', 1, { expires_at: soon })
    await add('stats', 'logs', 2, { expires_at: new Date(Date.now() + 8 * DAY_MS) })
    expect(await getBackupStats('stats', { database })).toEqual({
      total_backups: 2,
      total_size: 200,
      by_type: { database: 0, storage: 0, logs: 2 },
      oldest_backup: new Date('2026-06-01T00:00:00Z'),
      newest_backup: new Date('2026-06-02T00:00:00Z'),
      expiring_soon: 1,
      damaged: 0,
      with_missing_files: 0,
    })
    expect((await getBackupStats({ database })).total_backups).toBeGreaterThan(2)
  })

  it('expire what has expired, but never the last of a project and type', async () => {
    const past = new Date('2026-06-20T00:00:00Z')
    const older = await add('expiry', 'database', 1, { expires_at: past })
    const last = await add('expiry', 'database', 2, { expires_at: past })
    const other = await add('expiry-other', 'database', 1, { expires_at: past })
    await add('expiry-other', 'database', 2)
    expect(await deleteExpiredBackups('expiry', { database })).toBe(1)
    expect((await getBackupById(older.id, { database }))?.state).toBe('erasing')
    expect((await getBackupById(last.id, { database }))?.state).toBe('complete')
    expect((await getBackupById(other.id, { database }))?.state).toBe('complete')
    expect(await deleteExpiredBackups({ database })).toBeGreaterThan(0)
    expect((await getBackupById(other.id, { database }))?.state).toBe('erasing')
    expect(await deleteExpiredBackups({ database })).toBe(0)
  })

  it('throw a BackupError with a code for bad input', async () => {
    const bad = { project_id: '../x', type: 'database', file_id: 'f', size: 1 } as const
    await expect(createBackup(bad, { database })).rejects.toThrow(BackupError)
    await expect(createBackup({ ...bad, project_id: 'p', size: -1 }, { database })).rejects.toMatchObject({
      code: 'INVALID',
    })
    await expect(queryByProject('p', { limit: -1 }, { database })).rejects.toMatchObject({ code: 'INVALID' })
    const error = new BackupError('message', { code: 'X', hint: 'do this', cause: 1 })
    expect({ ...error, message: error.message, cause: error.cause }).toMatchObject({
      code: 'X',
      hint: 'do this',
      cause: 1,
    })
    expect(new BackupError('message').code).toBe('BACKUP_ERROR')
  })
})
