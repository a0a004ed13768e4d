import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  beginJob,
  cancelJob,
  createBackup,
  createJob,
  createSchedule,
  finishJob,
  type Job,
  noteConditions,
  noteProgress,
  removeSchedule,
  sqlRunner,
} from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EventClient } from '#test/http/event-client.ts'
import { openTestService, type TestService } from '#test/http/http-service.ts'

let service: TestService
let keys: { admin: string; reader: string; bound: string }

beforeAll(async () => {
  service = await openTestService({ stall_seconds: 2 })
  keys = {
    admin: await service.key(['admin']),
    reader: await service.key(['read']),
    bound: await service.key(['read'], { projectId: 'shop' }),
  }
})

afterAll(async () => {
  await service.close()
})

async function newJob(projectId = 'shop', scheduleId?: string): Promise<Job> {
  const request = { kind: 'backup', projectId, source: projectId, scheduleId } as const
  return (await createJob(service.database, request, async () => {})).job
}

const newBackup = (projectId = 'shop') =>
  createBackup(service.database, {
    project_id: projectId,
    type: 'database',
    file_id: 'f',
    size: 1,
    source: { host: 'db.internal' },
  })

const newSchedule = () =>
  createSchedule(service.database, {
    source: 'shop',
    projectId: 'shop',
    type: 'database',
    cron: '0 3 * * *',
    timezone: 'UTC',
    nextRunAt: null,
  })

const ask = async (path: string, key: string): Promise<unknown> =>
  await (await service.ask(path, { key })).json()

it('each change comes once, as its own route gives it to this key', async () => {
  for (const key of [keys.admin, keys.bound]) {
    const client = await EventClient.open(service, { key })
    const schedule = await newSchedule()
    const job = await newJob('shop', schedule.id)
    const backup = await newBackup()
    await client.until(() => client.of('backup').length > 0)
    const { items } = (await ask('/schedules', key)) as { items: { id: string }[] }
    const listed = (await ask('/backups?limit=1', key)) as { items: unknown[] }
    expect(client.of('schedule').at(-1)).toEqual(items.find(({ id }) => id === schedule.id))
    expect(client.of('job').at(-1)).toEqual(await ask(`/jobs/${job.id}`, key))
    expect(client.of('backup').at(-1)).toEqual(listed.items[0])
    expect(client.of('backup').at(-1)?.id).toBe(backup.id)
    expect(JSON.stringify(client.events).includes('db.internal')).toBe(key === keys.admin)
    await removeSchedule(service.database, schedule.id)
    await client.until(() => client.of('schedule').at(-1)?.removed === true)
    expect(client.of('schedule').at(-1)).toEqual({ id: schedule.id, removed: true })
    await client.leave()
  }
})

it('a key of one project learns nothing of the others, not even that something was removed', async () => {
  const bound = await EventClient.open(service, { key: keys.bound })
  const all = await EventClient.open(service, { key: keys.reader })
  await newJob('other')
  await newBackup('other')
  await noteConditions(service.database, {
    found: [{ key: 'chat_unreachable', kind: 'chat_unreachable', details: {}, notice: {} }],
    kinds: [],
    quietForMs: 0,
    channels: [],
    recovery: () => ({}),
  })
  const last = await newJob()
  await bound.until(() => bound.of('job').some(({ id }) => id === last.id))
  await all.until(() => all.of('job').some(({ id }) => id === last.id))
  expect(bound.changes.map(({ event, data }) => `${event} ${data.project_id}`)).toEqual(['job shop'])
  expect(all.of('backup')).toMatchObject([{ project_id: 'other' }])
  expect(all.of('alert')).toMatchObject([{ kind: 'chat_unreachable' }])
  await Promise.all([bound.leave(), all.leave()])
})

it('a client that comes back goes on where it was, and what changed meanwhile comes once', async () => {
  const client = await EventClient.open(service, { key: keys.reader })
  await client.leave()
  const jobs = [await newJob(), await newJob()]
  await cancelJob(service.database, jobs[0]?.id ?? '', async () => {})
  const again = await EventClient.open(service, { key: keys.reader, lastEventId: client.lastEventId })
  await again.until(() => again.of('job').length > 1)
  expect(again.of('job').map(({ id, state }) => `${id} ${state}`)).toEqual([
    `${jobs[1]?.id} queued`,
    `${jobs[0]?.id} cancelled`,
  ])
  await again.leave()
  // Between two events, too.
  const third = await EventClient.open(service, { key: keys.reader, lastEventId: again.changes[0]?.id })
  await third.until(() => third.of('job').length > 0)
  expect(third.of('job')).toMatchObject([{ id: jobs[0]?.id }])
  await third.leave()
})

it('a client that leaves at random moments has in the end what the catalog has, and nothing went back', async () => {
  const seen = new Map<string, { state: string; bytes: number }>()
  const take = (client: EventClient): void => {
    for (const { id, state, progress } of client.of('job')) {
      const bytes = progress.bytes_done
      expect(bytes, 'nothing older after something newer').toBeGreaterThanOrEqual(seen.get(id)?.bytes ?? 0)
      seen.set(id, { state, bytes })
    }
  }
  const first = await EventClient.open(service, { key: keys.reader })
  await first.leave()
  let { lastEventId } = first
  const jobs: string[] = []
  let isWriting = true
  const written = (async () => {
    const { executeSql } = sqlRunner(service.database)
    for (let round = 1; round <= 60; round++) {
      if (round % 3 === 0) jobs.push((await newJob()).id)
      const progress = JSON.stringify({ bytes_done: round })
      // Several jobs in one transaction.
      await executeSql('update control_plane.jobs set progress = $1::jsonb where id = any($2::uuid[])', [
        progress,
        jobs.slice(round % 5),
      ])
      await sleep(40)
    }
    isWriting = false
  })()
  for (let visit = 0; isWriting; visit++) {
    const client = await EventClient.open(service, { key: keys.reader, lastEventId })
    await sleep((visit * 137) % 700)
    await client.leave()
    take(client)
    lastEventId = client.lastEventId
  }
  await written
  const last = await EventClient.open(service, { key: keys.reader, lastEventId })
  await sleep(1_500)
  await last.leave()
  take(last)
  for (const id of jobs) {
    const { state, progress } = (await ask(`/jobs/${id}`, keys.reader)) as Awaited<ReturnType<typeof newJob>>
    expect(seen.get(id), id).toEqual({ state, bytes: progress.bytes_done })
  }
})

it('after an id that no event of this catalog has there is one reset, and then what changes', async () => {
  const ids = ['garbage', '0', '00000000.1-1', '1'.repeat(300)]
  const clients = await Promise.all(
    ids.map(lastEventId => EventClient.open(service, { key: keys.reader, lastEventId })),
  )
  for (const client of clients) await client.until(() => client.changes.length > 0)
  const { id } = await newJob()
  for (const client of clients) {
    await client.until(() => client.of('job').length > 0)
    expect(client.changes.map(({ event }) => event)).toEqual(['reset', 'job'])
    expect(client.of('job')[0]?.id).toBe(id)
    await client.leave()
  }
})

it('the overview comes first, and again when it has changed, as its route gives it to this key', async () => {
  const client = await EventClient.open(service, { key: keys.bound })
  await client.until(() => client.of('overview').length === 1)
  const { id } = await newJob()
  const begun = await beginJob(service.database, { jobId: id, worker: 'test' })
  await client.until(
    () =>
      client
        .of('overview')
        .at(-1)
        ?.running.some(job => job.id === id) ?? false,
  )
  const { as_of: _, ...present } = (await ask('/overview', keys.bound)) as { as_of: string }
  expect(client.of('overview').at(-1)).toMatchObject(present)
  const leaseToken = begun?.lease.token ?? ''
  await finishJob(service.database, { jobId: id, leaseToken, state: 'done' })
  await client.leave()
})

it('the progress of a job comes about once a second', async () => {
  const { id: jobId } = await newJob()
  const begun = await beginJob(service.database, { jobId, worker: 'test' })
  const client = await EventClient.open(service, { key: keys.reader })
  for (let bytes_done = 1; bytes_done <= 30; bytes_done++) {
    const progress = { bytes_done, bytes_total: 30, parts_done: 0 }
    await noteProgress(service.database, { jobId, leaseToken: begun?.lease.token ?? '', progress })
    await sleep(50)
  }
  await client.until(() => client.of('job').at(-1)?.progress.bytes_done === 30)
  expect(client.of('job').length).toBeLessThan(6)
  await client.leave()
  await begun?.lease.release()
})

it('a client that does not read loses its stream, and the others go on', async () => {
  const client = await EventClient.open(service, { key: keys.reader })
  const { port } = new URL(service.server.url)
  const stuck = connect(Number(port), '127.0.0.1').pause()
  const isClosed = once(stuck, 'close').then(() => true)
  stuck.on('error', () => {})
  stuck.write(`GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.reader}\r\n\r\n`)
  const backups = await Promise.all(Array.from({ length: 20 }, () => newBackup()))
  const { executeSql } = sqlRunner(service.database)
  // More than the buffers of both sides.
  for (let round = 0; round < 4; round++) {
    await executeSql(
      `update control_plane.backups set source = pg_catalog.jsonb_build_object('n', $1::int, 'x', pg_catalog.repeat('x', 250000))`,
      [round],
    )
    await client.until(() => client.of('backup').filter(({ source }) => source.n === round).length >= 20)
  }
  stuck.resume()
  expect(await isClosed).toBe(true)
  const last = await newJob()
  await client.until(() => client.of('job').at(-1)?.id === last.id)
  expect(new Set(client.of('backup').map(({ id }) => id)).size).toBeGreaterThanOrEqual(backups.length)
  await client.leave()
})
