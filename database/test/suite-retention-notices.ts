import type { KyselyPlugin } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBackup, type Database, listRetentionNotices, rememberRetentionNotices } from '#index.ts'

/** What was told of retention. */
export function describeRetentionNotices(open: () => Promise<Database>): void {
  describe('notices of retention', () => {
    let database: Database
    let ids: string[]
    beforeEach(async () => {
      database = await open()
      ids = []
      const input = { project_id: 'p', type: 'logs' as const, file_id: 'f', size: 1 }
      for (let count = 0; count < 12; count++) ids.push((await createBackup(database, input)).id)
    })
    afterEach(() => database.close())

    const remember = (ofIds: readonly string[], on = database) =>
      rememberRetentionNotices(
        on,
        ofIds.flatMap(backup_id => [
          { backup_id, kind: 'erase' as const },
          { backup_id, kind: 'word' as const },
        ]),
        null,
      )
    const known = async () => (await listRetentionNotices(database)).notices

    test('keep the time when they were first told, and are forgotten when they are no longer good', async () => {
      await remember(ids.slice(0, 2))
      const first = await known()
      expect(first).toHaveLength(4)
      await remember(ids.slice(1, 3))
      const second = await known()
      expect(new Set(second.map(({ backup_id }) => backup_id))).toEqual(new Set(ids.slice(1, 3)))
      for (const notice of first.filter(({ backup_id }) => backup_id === ids[1])) {
        expect(second).toContainEqual(notice)
      }
      await remember([])
      expect(await known()).toEqual([])
    })

    test('take two statements, however many there are', async () => {
      let statements = 0
      const counting: KyselyPlugin = {
        transformQuery: ({ node }) => {
          statements++
          return node
        },
        transformResult: async ({ result }) => result,
      }
      await remember(ids, { ...database, kysely: database.kysely.withPlugin(counting) })
      expect(await known()).toHaveLength(24)
      expect(statements).toBe(2)
    })
  })
}
