import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBackup, type Database, deleteBackup, listHistory } from '#index.ts'

/** The history, and that it cannot be rewritten. */
export function describeHistory(open: () => Promise<Database>): void {
  describe('history', () => {
    let database: Database
    let id: string
    beforeEach(async () => {
      database = await open()
      id = (await createBackup(database, { project_id: 'a', type: 'logs', file_id: 'f', size: 1 })).id
    })
    afterEach(() => database.close())

    test.each([
      ['update', "update control_plane.backup_history set actor = 'x'"],
      ['update of nothing', 'update control_plane.backup_history set actor = actor where false'],
      ['delete', 'delete from control_plane.backup_history'],
      ['truncate', 'truncate control_plane.backup_history'],
      ['truncate by way of the backups', 'truncate control_plane.backups cascade'],
      ['delete of a backup that has one', 'delete from control_plane.backups'],
      [
        'delete as a copying tool',
        'set session_replication_role = replica; delete from control_plane.backup_history',
      ],
    ])('%s is refused by the database itself', async (_, statement) => {
      const before = await listHistory(database, id)
      await expect(sql.raw(statement).execute(database.kysely)).rejects.toMatchObject({
        name: 'CatalogError',
        code: 'CONFLICT',
      })
      await sql.raw('set session_replication_role = origin').execute(database.kysely)
      expect(await listHistory(database, id)).toEqual(before)
    })

    test('it names who acted, also when one catalog is used in several names', async () => {
      await deleteBackup({ ...database, actor: 'api key nightly' }, id)
      expect((await listHistory(database, id)).map(({ actor }) => actor)).toEqual([
        database.actor,
        'api key nightly',
      ])
    })
  })
}
