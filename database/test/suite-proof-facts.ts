import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Database, proofFacts } from '#index.ts'

/** What a restore of a source could use now. */
export function describeProofFacts(open: () => Promise<Database>): void {
  describe('what a restore could use', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
      await sql`insert into control_plane.projects (id) values ('p')`.execute(database.kysely)
    })
    afterEach(() => database.close())

    const dayOf = (day: number): Date => new Date(Date.UTC(2026, 0, day))
    const add = async (
      day: number,
      of: { group?: string; size?: number; member?: string; state?: string; damaged?: boolean } = {},
    ): Promise<string> => {
      const id = randomUUID()
      const { group = null, size = null, member = null, state = 'complete', damaged = false } = of
      await sql`
        insert into control_plane.backups (id, project_id, type, source_name, state, file_id, size, created_at, completed_at,
               damaged_at, group_id, group_size, member)
        values (${id}, 'p', 'logs', 's', ${state}, 'f', ${day}, ${dayOf(day)}, ${dayOf(day)},
                ${damaged ? dayOf(day) : null}, ${group}, ${size}, ${member})`.execute(database.kysely)
      return id
    }
    const drill = async (of: string, day: number, code: string | null): Promise<string> => {
      const id = randomUUID()
      await sql`
        insert into control_plane.verifications (id, backup_id, kind, state, code, actor, started_at, finished_at)
        values (${id}, ${of}, 'drill', ${code === null ? 'sound' : 'failed'}, ${code}, 'a', ${dayOf(day)}, ${dayOf(day)})
      `.execute(database.kysely)
      return id
    }
    const facts = async () => (await proofFacts(database))[0]

    test('the newest good backup is neither damaged, nor being erased, nor from tomorrow', async () => {
      const good = await add(2)
      await add(1)
      await add(3, { damaged: true })
      await add(4, { state: 'erasing' })
      await sql`update control_plane.backups set created_at = now() + interval '1 day' where id = ${await add(5)}`.execute(
        database.kysely,
      )
      expect(await facts()).toMatchObject({
        last_good: { id: good, created_at: dayOf(2) },
        sizes: [1, 2, 3].map(day => ({ at: dayOf(day), size: day })),
      })
      await sql`update control_plane.backups set damaged_at = now()`.execute(database.kysely)
      expect(await facts()).toMatchObject({ last_good: null })
    })

    test('a run of several members is good when a good backup of each is there', async () => {
      const [whole, torn, lacking] = [randomUUID(), randomUUID(), randomUUID()]
      const run = { size: 2 }
      await add(1, { ...run, group: whole, member: 'a' })
      const last = await add(2, { ...run, group: whole, member: 'b' })
      await add(3, { ...run, group: torn, member: 'a', damaged: true })
      await add(4, { ...run, group: torn, member: 'b' })
      await add(5, { ...run, group: lacking, member: 'a' })
      expect(await facts()).toMatchObject({
        last_good: { id: last, created_at: dayOf(1) },
        sizes: [
          { at: dayOf(1), size: 3 },
          { at: dayOf(3), size: 7 },
        ],
      })
    })

    test('the last drill is one of a backup that is there, and showed something', async () => {
      const [old, erased] = [await add(1), await add(2, { state: 'erased' })]
      expect(await facts()).toMatchObject({
        members: [{ member: null, last_drill: null, is_drilled: false }],
      })
      const failed = await drill(old, 3, 'DISK_FULL')
      await drill(old, 4, 'CANCELLED')
      await drill(erased, 5, null)
      expect(await facts()).toMatchObject({
        members: [{ last_drill: { id: failed, state: 'failed' }, is_drilled: false }],
      })
      const sound = await drill(old, 6, null)
      expect(await facts()).toMatchObject({
        members: [{ last_drill: { id: sound, state: 'sound', finished_at: dayOf(6) }, is_drilled: true }],
      })
    })

    test('each member of the newest run has its own proof; one that is not part of it any more has none', async () => {
      const [first, second] = [randomUUID(), randomUUID()]
      const gone = await add(1, { group: first, size: 2, member: 'gone' })
      const old = await add(1, { group: first, size: 2, member: 'a' })
      await add(2, { group: second, size: 2, member: 'a' })
      const read = await add(2, { group: second, size: 2, member: 'b' })
      await sql`update control_plane.backups set verified_at = ${dayOf(3)} where id = ${read}`.execute(
        database.kysely,
      )
      const id = await drill(old, 4, 'DIFFERENT')
      await drill(gone, 5, null)
      expect((await facts())?.members).toMatchObject([
        { member: 'a', last_drill: { id, state: 'failed' }, is_drilled: false, last_read_at: null },
        { member: 'b', last_drill: null, is_drilled: false, last_read_at: dayOf(3) },
      ])
    })
  })
}
