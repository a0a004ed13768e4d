import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Backup,
  createBackup,
  type Database,
  findGroup,
  markErasing,
  markExpired,
  queryBackups,
  sourceFacts,
} from '#index.ts'

const MEMBERS = ['globals', 'database:shop', 'database:o"x=y z']

/** The backups of one run over a source that consists of several. */
export function describeGroups(open: () => Promise<Database>): void {
  describe('groups', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const send = (group: unknown, fields: { created_at?: Date; size?: number } = {}): Promise<Backup> =>
      createBackup(database, {
        ...{ project_id: 'shop', type: 'database', file_id: 'f', size: 1, ...fields },
        source: { kind: 'postgres', group: group as string },
      })

    async function run(fields: { created_at?: Date; size?: number } = {}, members = MEMBERS) {
      const id = randomUUID()
      const backups: Backup[] = []
      for (const member of members) backups.push(await send({ id, size: MEMBERS.length, member }, fields))
      return { id, backups }
    }

    const erase = async (backup: Backup | undefined): Promise<void> => {
      const lease = await markErasing(database, { backupId: backup?.id ?? '', evenTheLast: false })
      await lease.release()
    }

    test('the facts of a source name the group, which is found by the beginning of its id', async () => {
      const { id, backups } = await run()
      expect(backups.map(({ group_id, group_size, member }) => [group_id, group_size, member])).toEqual(
        MEMBERS.map(member => [id, 3, member]),
      )
      const found = await findGroup(database, id.slice(0, 8).toUpperCase())
      expect(found).toMatchObject({ id, size: 3 })
      expect(found?.backups.map(backup => backup.id).sort()).toEqual(backups.map(backup => backup.id).sort())
      for (const nothing of [randomUUID(), 'short', "' or true --"])
        expect(await findGroup(database, nothing)).toBeNull()
    })

    test('facts from a chat that are no group make a backup without one', async () => {
      const id = randomUUID()
      const wrong = [
        'x',
        null,
        { id: 'x', size: 1, member: 'm' },
        { id, size: 0, member: 'm' },
        { id, size: 1e9, member: 'm' },
        { id, size: 1.5, member: 'm' },
        { id, size: 1, member: '' },
        { id, size: 1, member: 'x'.repeat(257) },
        { id, size: 1, member: ['m'] },
      ]
      for (const group of wrong)
        expect(await send(group)).toMatchObject({ group_id: null, group_size: null, member: null })
    })

    test('the last good backup of each member stays, although there are newer ones of the others', async () => {
      const old = await run()
      const single = await createBackup(database, {
        ...{ project_id: 'shop', type: 'database', file_id: 'f', size: 1 },
      })
      await run({}, MEMBERS.slice(0, 2))
      await erase(old.backups[0])
      await expect(erase(old.backups[2])).rejects.toMatchObject({ code: 'LAST_BACKUP' })
      await expect(erase(single)).rejects.toMatchObject({ code: 'LAST_BACKUP' })
      const { data } = await queryBackups(database, { state: 'complete' })
      await markExpired(
        database,
        data.map(backup => backup.id),
      )
      const left = (await queryBackups(database, { state: 'complete' })).data
      expect(left.map(({ member }) => member).toSorted()).toEqual([...MEMBERS, null].toSorted())
    })

    test('the same member of two clusters is not the same', async () => {
      const [one] = (await run()).backups
      await run()
      await sql`update control_plane.backups set source_name = 'one' where id = ${one?.id}`.execute(
        database.kysely,
      )
      await expect(erase(one)).rejects.toMatchObject({ code: 'LAST_BACKUP' })
    })

    test('a program of before cannot erase the backups of a group', async () => {
      const [one] = (await run()).backups
      await run()
      const asBefore = database.kysely.transaction().execute(async trx => {
        await sql`select pg_catalog.set_config('telegram_backup.knows_retention', 'on', true)`.execute(trx)
        await sql`update control_plane.backups set state = 'erasing' where id = ${one?.id}`.execute(trx)
      })
      await expect(asBefore).rejects.toThrow(/belongs to a group/)
    })

    test('a source counts as backed up by its newest whole run, with the sizes of all', async () => {
      const at = (hour: number) => ({ created_at: new Date(Date.UTC(2026, 0, 1, hour)) })
      const whole = await run({ ...at(1), size: 10 })
      await run({ ...at(2), size: 1000 }, MEMBERS.slice(0, 2))
      const [facts] = await sourceFacts(database)
      expect(facts).toMatchObject({ complete_count: 5, recent_sizes: [30] })
      expect(facts?.last_complete).toMatchObject({ created_at: at(1).created_at, size: 30 })
      expect(whole.backups.map(({ id }) => id)).toContain(facts?.last_complete?.backup_id)
    })
  })
}
