import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Database, sourceFacts } from '#index.ts'

/** What counts as verified and as failed. */
export function describeSourceFacts(open: () => Promise<Database>): void {
  describe('facts of a source', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    test('what was verified counts while it is sound, also when retention has erased it since; what failed counts as backup and as job', async () => {
      await sql`insert into control_plane.projects (id) values ('p')`.execute(database.kysely)
      const add = async (values: { state: string; verified?: string; damaged?: string }) => {
        const id = randomUUID()
        const done = values.state === 'failed' ? null : '2026-01-01T00:00:05Z'
        await sql`
          insert into control_plane.backups (id, project_id, type, source_name, state, file_id, created_at, completed_at, verified_at, damaged_at)
          values (${id}, 'p', 'logs', 's', ${values.state}, 'f', '2026-01-01T00:00:00Z', ${done},
                  ${values.verified ?? null}, ${values.damaged ?? null})
        `.execute(database.kysely)
        return id
      }
      const facts = async () => (await sourceFacts(database))[0]
      await add({ state: 'complete', verified: '2026-02-01T00:00:00Z' })
      await add({ state: 'complete', verified: '2026-03-01T00:00:00Z', damaged: '2026-03-02T00:00:00Z' })
      await add({ state: 'erased', verified: '2026-04-01T00:00:00Z' })
      expect(await facts()).toMatchObject({
        last_verified_at: new Date('2026-04-01T00:00:00Z'),
        damaged_count: 1,
        last_damaged_at: new Date('2026-03-02T00:00:00Z'),
        complete_count: 2,
        last_failed_at: null,
      })
      const drill = async (backupId: string, state: string, kind: string, finished: string) =>
        await sql`
          insert into control_plane.verifications (backup_id, kind, state, actor, started_at, finished_at)
          values (${backupId}, ${kind}, ${state}, 'a', '2026-04-02T00:00:00Z', ${finished})
        `.execute(database.kysely)
      expect(await facts()).toMatchObject({ last_drilled_at: null })
      const drilled = await add({ state: 'erased' })
      await drill(drilled, 'sound', 'drill', '2026-05-01T00:00:00Z')
      await drill(drilled, 'failed', 'drill', '2026-05-02T00:00:00Z')
      await drill(drilled, 'sound', 'data', '2026-05-03T00:00:00Z')
      expect(await facts()).toMatchObject({ last_drilled_at: new Date('2026-05-01T00:00:00Z') })
      const failed = await add({ state: 'failed' })
      await sql`
        insert into control_plane.backup_history (backup_id, event, actor, at) values (${failed}, 'failed', 'a', '2026-01-01T00:09:00Z')
      `.execute(database.kysely)
      expect(await facts()).toMatchObject({ last_failed_at: new Date('2026-01-01T00:09:00Z') })
      await sql`
        insert into control_plane.jobs (kind, project_id, source, state, finished_at)
        values ('backup', 'p', 's', 'failed', '2026-01-02T00:00:00Z'), ('backup', 'p', 'other', 'failed', '2026-01-03T00:00:00Z'),
               ('verify', 'p', 's', 'failed', '2026-01-04T00:00:00Z'), ('backup', 'p', 's', 'done', '2026-01-05T00:00:00Z')
      `.execute(database.kysely)
      expect(await facts()).toMatchObject({ last_failed_at: new Date('2026-01-02T00:00:00Z') })
    })

    test('a backup whose job was cancelled has not failed, and one that was reconciled after a newer one was complete is not news', async () => {
      await sql`insert into control_plane.projects (id) values ('p')`.execute(database.kysely)
      const add = async (state: string, made: string, completed: string | null) => {
        const id = randomUUID()
        await sql`
          insert into control_plane.backups (id, project_id, type, source_name, state, file_id, created_at, completed_at)
          values (${id}, 'p', 'logs', 's', ${state}, 'f', ${made}, ${completed})
        `.execute(database.kysely)
        await sql`
          insert into control_plane.backup_history (backup_id, event, actor, at) values (${id}, ${state}, 'a', '2026-01-03T00:00:00Z')
        `.execute(database.kysely)
        return id
      }
      const lastFailure = async () => (await sourceFacts(database))[0]?.last_failed_at
      await add('failed', '2026-01-01T00:00:00Z', null)
      expect(await lastFailure()).toEqual(new Date('2026-01-03T00:00:00Z'))
      await add('complete', '2026-01-02T00:00:00Z', '2026-01-02T00:00:05Z')
      expect(await lastFailure()).toEqual(new Date('2026-01-01T00:00:00Z'))
      const cancelled = await add('failed', '2026-01-02T12:00:00Z', null)
      expect(await lastFailure()).toEqual(new Date('2026-01-03T00:00:00Z'))
      await sql`
        insert into control_plane.jobs (kind, project_id, source, state, backup_id, finished_at)
        values ('backup', 'p', 's', 'cancelled', ${cancelled}, '2026-01-03T00:00:00Z')
      `.execute(database.kysely)
      expect(await lastFailure()).toEqual(new Date('2026-01-01T00:00:00Z'))
    })

    test('a backup that goes on after it failed has failed until it is complete, and one that has only begun has not', async () => {
      await sql`insert into control_plane.projects (id) values ('p')`.execute(database.kysely)
      const id = randomUUID()
      await sql`
        insert into control_plane.backups (id, project_id, type, source_name, state, file_id, created_at)
        values (${id}, 'p', 'logs', 's', 'sending', 'f', '2026-01-01T00:00:00Z')
      `.execute(database.kysely)
      const lastFailure = async () => (await sourceFacts(database))[0]?.last_failed_at
      expect(await lastFailure()).toBeNull()
      await sql`
        insert into control_plane.backup_history (backup_id, event, actor, at)
        values (${id}, 'failed', 'a', '2026-01-01T00:09:00Z'), (${id}, 'resumed', 'a', '2026-01-01T00:10:00Z')
      `.execute(database.kysely)
      expect(await lastFailure()).toEqual(new Date('2026-01-01T00:09:00Z'))
      await sql`
        update control_plane.backups set state = 'complete', completed_at = '2026-01-01T00:11:00Z' where id = ${id}
      `.execute(database.kysely)
      expect(await lastFailure()).toBeNull()
    })
  })
}
