import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  changeTags,
  createBackup,
  type Database,
  deleteBackup,
  getBackupById,
  importBackup,
  indexRows,
  type KeepPolicy,
  listHistory,
  openBackup,
  queryBackups,
  setRetentionPolicy,
} from '#index.ts'
import { CHAT, hash } from '#test/test-send.ts'

/** Tags of backups, and what they keep. */
export function describeTags(open: () => Promise<Database>): void {
  describe('tags', () => {
    let database: Database
    let id: string
    beforeEach(async () => {
      database = await open()
      const input = { project_id: 'shop', type: 'database' as const, file_id: 'f', size: 1 }
      id = (await createBackup(database, input)).id
    })
    afterEach(() => database.close())

    const change = (add: string[], remove: string[] = []) => changeTags(database, id, { add, remove })
    const tagsOf = async (of: string) => (await getBackupById(database, of))?.tags

    test('are added and removed, each once and sorted, and the history has each change', async () => {
      expect(await tagsOf(id)).toEqual([])
      expect(await change(['nightly', 'a:b', 'nightly'])).toEqual(['a:b', 'nightly'])
      expect(await change(['nightly'], ['not-there'])).toEqual(['a:b', 'nightly'])
      expect(await change(['z', 'both'], ['a:b', 'both'])).toEqual(['nightly', 'z'])
      expect(await tagsOf(id)).toEqual(['nightly', 'z'])
      const changes = (await listHistory(database, id)).filter(({ event }) => event === 'tagged')
      expect(changes.map(({ details }) => details)).toEqual([
        { tags: ['a:b', 'nightly'] },
        { tags: ['nightly', 'z'] },
      ])
    })

    test('that are none are refused, and so are too many; nothing changes then', async () => {
      await change(['kept'])
      for (const bad of ['', 'a b', 'ä', 'a,b', 'a'.repeat(65), 'a\n', '\0', '{a}'])
        await expect(change([bad]), bad).rejects.toMatchObject({ code: 'INVALID' })
      const many = Array.from({ length: 16 }, (_, number) => `t${number}`)
      await expect(change(many)).rejects.toMatchObject({ code: 'INVALID' })
      expect(await tagsOf(id)).toEqual(['kept'])
      expect(await change(many, ['kept'])).toHaveLength(16)
    })

    test('belong to complete backups', async () => {
      await deleteBackup(database, id)
      expect(await change(['late'])).toBeNull()
      expect(await changeTags(database, randomUUID(), { add: ['late'], remove: [] })).toBeNull()
      expect(await changeTags(database, 'x', { add: ['late'], remove: [] })).toBeNull()
    })

    test('of two changes at once, both count', async () => {
      await Promise.all(['a', 'b', 'c', 'd'].map(tag => change([tag])))
      expect(await tagsOf(id)).toEqual(['a', 'b', 'c', 'd'])
    })

    test('of a send are there from its beginning, and lists are narrowed by them', async () => {
      const { lease } = await openBackup(database, {
        ...{ backupId: randomUUID(), projectId: 'shop', type: 'database', filename: 'shop.sql' },
        ...{ chatId: CHAT, botId: '42', encrypted: true, source: {} },
        origin: { tags: ['nightly', 'nightly', 'before-upgrade'], sourceName: 'shop-db' },
      })
      await lease.release()
      const found = async (filter: Parameters<typeof queryBackups>[1]) =>
        (await queryBackups(database, filter)).data.map(({ tags }) => tags)
      expect(await found({ tag: 'nightly' })).toEqual([['before-upgrade', 'nightly']])
      expect(await found({ tag: 'night' })).toEqual([])
      expect(await found({ sourceName: 'shop-db' })).toHaveLength(1)
      expect(await found({ sourceName: "shop-db' or true --" })).toEqual([])
      await expect(found({ tag: "a' or true --" })).rejects.toMatchObject({ code: 'INVALID' })
    })

    test('come back from a chat: by the index as they were last, else as they were sent', async () => {
      const messages = [1, 0].map(partNumber => ({
        ...{ chatId: CHAT, kind: partNumber === 0 ? ('manifest' as const) : ('part' as const), partNumber },
        ...{ state: 'sent' as const, messageId: 500 + partNumber, fileId: 'id', fileName: 'f', size: 10 },
        sha256: hash('c'),
      }))
      const found = {
        ...{ id: randomUUID(), projectId: 'shop', type: 'database' as const, state: 'complete' as const },
        ...{ filename: 'shop.sql', chatId: CHAT, encrypted: true, createdAt: new Date(), size: 300 },
        ...{ archiveSize: 20, plainSha256: hash('a'), partCount: 1, messages },
      }
      await importBackup(database, { ...found, trust: 0 })
      const sent = { ...found, tags: ['sent'], sourceName: 'of-manifest', isUnindexed: true }
      expect(await importBackup(database, { ...sent, trust: 1 })).toBe('bettered')
      expect(await getBackupById(database, found.id)).toMatchObject({
        ...{ tags: ['sent'], source_name: 'of-manifest' },
      })
      expect((await indexRows(database, CHAT)).backups).toMatchObject([{ tags: ['sent'] }])
      const other = { ...found, id: randomUUID() }
      await importBackup(database, { ...other, tags: ['later'], sourceName: 'of-index', trust: 1 })
      await importBackup(database, { ...sent, id: other.id, trust: 2 })
      expect(await getBackupById(database, other.id)).toMatchObject({
        ...{ tags: ['later'], source_name: 'of-index', recovered_trust: 2 },
      })
      await expect(
        importBackup(database, { ...found, id: randomUUID(), tags: ['a b'], trust: 1 }),
      ).rejects.toMatchObject({ code: 'INVALID' })
    })

    test.each([
      ['that a policy keeps', { daily: 7, tags: ['release'] }, true],
      ['that no policy keeps', { daily: 7, tags: ['other'] }, false],
    ] satisfies [string, KeepPolicy, boolean][])(
      'a program of before erases none %s',
      async (_what, keep, isKept) => {
        await change(['release', 'x'])
        await setRetentionPolicy(database, { project_id: 'shop', type: 'database', keep })
        // What the release before this one does.
        const erase = database.kysely.transaction().execute(async trx => {
          await sql`select set_config('telegram_backup.knows_retention', 'on', true)`.execute(trx)
          await sql`update control_plane.backups set state = 'erasing' where id = ${id}`.execute(trx)
        })
        if (isKept) await expect(erase).rejects.toMatchObject({ code: 'CONFLICT' })
        else await erase
        expect((await getBackupById(database, id))?.state).toBe(isKept ? 'complete' : 'erasing')
        if (isKept) expect(await deleteBackup(database, id)).toBe(true)
      },
    )
  })
}
