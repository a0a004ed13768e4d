import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  acquireLease,
  createJob,
  type Database,
  declaringServices,
  type NewJob,
  noteService,
  servedNames,
  unservedJobs,
} from '#index.ts'

/** What serves there are, and whose jobs nobody does. */
export function describeServices(open: () => Promise<Database>): void {
  describe('services', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(async () => {
      await database.close()
    })

    const note = async (sources: string[], targets: string[] = []): Promise<string> => {
      const id = randomUUID()
      await noteService(database, { id, sources, targets })
      return id
    }
    /** As if it had said so then, on another machine unless one is named. */
    const elsewhere = async (id: string, ago: string, host = 'elsewhere'): Promise<void> => {
      await sql`update control_plane.services
                   set seen_at = clock_timestamp() - ${ago}::interval, hostname = ${host}, host = 'another', started = '1'
                 where id = ${id}`.execute(database.kysely)
    }
    const wait = async (request: Partial<NewJob>, ago = '2 hours'): Promise<string> => {
      const { job } = await createJob(database, { kind: 'backup', ...request }, async () => {})
      await sql`update control_plane.jobs set created_at = clock_timestamp() - ${ago}::interval,
                       run_after = clock_timestamp() - ${ago}::interval where id = ${job.id}`.execute(
        database.kysely,
      )
      return job.id
    }
    const unserved = async (): Promise<string[]> => (await unservedJobs(database)).map(({ id }) => id)

    test('a job is unserved when it is due, and no service names its source or target', async () => {
      await note(['shop'], ['staging'])
      await wait({ source: 'shop' })
      await wait({ kind: 'restore', target: 'staging' })
      await wait({ kind: 'verify' })
      await wait({ kind: 'expire' })
      await wait({ options: { upload: true } })
      await wait({ source: 'later' }, '-1 minute')
      const gone = await wait({ source: 'gone' }, '3 hours')
      const nowhere = await wait({ kind: 'restore', target: 'shop' }, '2 hours')
      expect(await unserved()).toEqual([gone, nowhere])
    })

    test('a machine that was seen within a day may come back for its jobs; later it counts no more', async () => {
      const away = await note(['shop'])
      const job = await wait({ source: 'shop' })
      await elsewhere(away, '23 hours')
      await note(['other'])
      expect(await unserved()).toEqual([])
      expect(await servedNames(database)).toEqual({ sources: ['other', 'shop'], targets: [] })
      await elsewhere(away, '25 hours')
      expect(await unserved()).toEqual([job])
      expect(await servedNames(database)).toEqual({ sources: ['other'], targets: [] })
    })

    test('a service that runs says what it does now, and what it did before counts no more', async () => {
      const id = await note(['shop'], ['staging'])
      const job = await wait({ source: 'shop' })
      await noteService(database, { id, sources: ['other'], targets: [] })
      expect(await unserved()).toEqual([job])
      expect(await servedNames(database)).toEqual({ sources: ['other'], targets: [] })
    })

    const declare = async (name: string, no_backup_for_ms: number | null): Promise<string> => {
      const id = randomUUID()
      const of = { project_id: 'p', type: 'logs' as const, kind: 'file', is_usable: true }
      const declared = { sources: [{ name, no_backup_for_ms, ...of }], targets: [] }
      await noteService(database, { id, sources: [name], targets: ['t'], declared })
      return id
    }
    const declaredNames = async () =>
      (await declaringServices(database)).flatMap(({ sources }) => sources.map(({ name }) => name)).sort()

    test('what a machine declared counts for a day after its last sign, and for twice the limit of a source', async () => {
      await elsewhere(await declare('daily', 24 * 3_600_000), '47 hours')
      await elsewhere(await declare('unlimited', null), '25 hours', 'another')
      await elsewhere(await declare('late', 24 * 3_600_000), '49 hours', 'third')
      expect(await declaredNames()).toEqual(['daily'])
      // A row that counts no more is removed with the next note of any service.
      await note(['named'])
      expect(await declaredNames()).toEqual(['daily', 'named'])
      expect(await declaringServices(database)).toHaveLength(2)
    })

    test('a service of an older release has names alone; a new edition takes the place of the one before', async () => {
      const id = await declare('shop', 60_000)
      expect(await declaringServices(database)).toMatchObject([
        {
          is_alive: true,
          sources: [{ name: 'shop', no_backup_for_ms: 60_000 }],
          targets: [{ name: 't', kind: null }],
        },
      ])
      await noteService(database, { id, sources: ['other'], targets: [] })
      expect(await declaringServices(database)).toMatchObject([
        { sources: [{ name: 'other', project_id: null, type: null, no_backup_for_ms: null }], targets: [] },
      ])
    })

    test('one that has started anew on the same machine takes the place of the one before', async () => {
      await elsewhere(await note(['kept']), '3 minutes')
      await elsewhere(await note(['before']), '3 minutes', hostname())
      await elsewhere(await note(['beside']), '1 minute', hostname())
      await note(['now'])
      expect((await servedNames(database)).sources).toEqual(['beside', 'kept', 'now'])
    })

    test('a job of a source of which a backup runs is served by somebody', async () => {
      const running = await wait({ source: 'shop' })
      await wait({ source: 'shop' })
      await sql`update control_plane.jobs set state = 'running' where id = ${running}`.execute(
        database.kysely,
      )
      expect(await unserved()).toEqual([])
    })

    test('while a process runs jobs that says nothing of what it does, what waits may wait for it', async () => {
      await note(['other'])
      const job = await wait({ source: 'shop' })
      const lease = await acquireLease(database, { subject: randomUUID(), purpose: 'job' })
      expect(await unserved()).toEqual([job])
      // One of an older release, on a machine of its own.
      await sql`update control_plane.leases set hostname = 'elsewhere'`.execute(database.kysely)
      expect(await unserved()).toEqual([])
      await lease?.release()
      expect(await unserved()).toEqual([job])
      await sql`insert into control_plane.leases (subject, purpose, token, pid, hostname, expires_at)
                values (${randomUUID()}, 'job', ${randomUUID()}, 1, 'elsewhere', clock_timestamp())`.execute(
        database.kysely,
      )
      expect(await unserved()).toEqual([job])
    })
  })
}
