import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addToAudit, createBackup, type Database, listAudit, pinBackup, pruneAudit } from '#index.ts'

/** Who did what, and that nobody can rewrite it. */
export function describeAudit(open: () => Promise<Database>): void {
  describe('audit', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const note = (object: string, projectId: string | null = null) =>
      addToAudit(database.kysely, { actor: 'ann@desk', act: 'key.create', object, projectId })
    const older = (than: string) =>
      sql`
        insert into control_plane.audit (actor, act, object, at)
        values ('ann@desk', 'key.create', 'old', clock_timestamp() - ${than}::interval)`.execute(
        database.kysely,
      )

    test('the database itself refuses to change, delete or empty it, also for a copying tool', async () => {
      await note('k')
      for (const statement of [
        "update control_plane.audit set actor = 'x'",
        'update control_plane.audit set actor = actor where false',
        'delete from control_plane.audit',
        'truncate control_plane.audit',
        'set session_replication_role = replica; delete from control_plane.audit',
      ]) {
        await expect(sql.raw(statement).execute(database.kysely), statement).rejects.toMatchObject({
          name: 'CatalogError',
          code: 'CONFLICT',
        })
        await sql.raw('set session_replication_role = origin').execute(database.kysely)
      }
      expect(await listAudit(database, { limit: 9 })).toMatchObject([{ object: 'k', actor: 'ann@desk' }])
    })

    test('an act is deleted after 400 days, at most so many at a time', async () => {
      for (const age of ['401 days', '400 days 1 hour', '399 days']) await older(age)
      expect(await pruneAudit(database, { limit: 1 })).toBe(1)
      expect(await pruneAudit(database, { limit: 9 })).toBe(1)
      expect(await pruneAudit(database, { limit: 9 })).toBe(0)
      expect(await listAudit(database, { limit: 9 })).toHaveLength(1)
    })

    test('acts come newest first, page by page, by each filter', async () => {
      for (const name of ['a', 'b', 'c']) await note(name, name === 'b' ? 'shop' : null)
      const objects = async (filter: Partial<Parameters<typeof listAudit>[1]>) =>
        (await listAudit(database, { limit: 9, ...filter })).map(({ object }) => object)
      expect(await objects({})).toEqual(['c', 'b', 'a'])
      const [newest] = await listAudit(database, { limit: 1 })
      expect(await objects({ after: newest?.id })).toEqual(['b', 'a'])
      expect(await objects({ projectId: 'shop' })).toEqual(['b'])
      expect(await objects({ object: 'a', act: 'key.create', actor: 'ann@desk' })).toEqual(['a'])
      for (const none of [{ act: 'key.revoke' }, { actor: 'x' }, { to: new Date(0) }]) {
        expect(await objects(none)).toEqual([])
      }
      expect(await objects({ from: new Date(0), to: new Date(Date.now() + 60_000) })).toHaveLength(3)
    })

    test('an act on a backup has the backup’s project; an act that fails leaves no row', async () => {
      const { id } = await createBackup(database, { project_id: 'p', type: 'logs', file_id: 'f', size: 1 })
      await pinBackup({ ...database, actor: 'key ci (0b0f7a52)' }, id.toUpperCase(), true)
      expect(await listAudit(database, { act: 'backup.pin', limit: 9 })).toMatchObject([
        { actor: 'key ci (0b0f7a52)', object: id, project_id: 'p', details: {} },
      ])
      await database.kysely
        .transaction()
        .execute(async trx => {
          await addToAudit(trx, { actor: 'a', act: 'backup.unpin', backupId: id })
          throw new Error('the act failed')
        })
        .catch(() => {})
      expect(await listAudit(database, { act: 'backup.unpin', limit: 9 })).toEqual([])
    })

    test('texts that PostgreSQL refuses are written without what it refuses', async () => {
      await addToAudit(database.kysely, {
        actor: 'a\0b',
        act: 'alert.mute',
        object: 'x\ud800\0',
        projectId: null,
        details: { text: 'y\0\ud800' },
      })
      expect(await listAudit(database, { limit: 1 })).toMatchObject([
        { actor: 'ab', object: 'x\ufffd', details: { text: 'y\ufffd' } },
      ])
    })
  })
}
