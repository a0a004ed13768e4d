import { beginJob, cancelJob, createJob, finishJob, noteProgress } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestService, type TestService } from '#test/http/http-service.ts'

let service: TestService
let key: string

beforeAll(async () => {
  service = await openTestService()
  key = await service.key(['read'])
})

afterAll(async () => {
  await service.close()
})

interface JobEvent {
  id: number
  data: { id: string; state: string; progress: { bytes_done: number } }
}

async function newJob(): Promise<string> {
  const { job } = await createJob(
    service.database,
    { kind: 'backup', projectId: 'shop', source: 'shop' },
    async () => {},
  )
  return job.id
}

/** The events until the stream ends, or until there are so many. */
async function eventsOf(
  jobId: string,
  options: { lastEventId?: number; most?: number; onEvent?: () => void } = {},
): Promise<JobEvent[]> {
  const { lastEventId, most = Number.POSITIVE_INFINITY, onEvent } = options
  const answer = await service.ask(`/jobs/${jobId}/events`, {
    key,
    headers: lastEventId === undefined ? {} : { 'Last-Event-ID': String(lastEventId) },
  })
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  const events: JobEvent[] = []
  let text = ''
  const reader = (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return events
    text += value
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(block) ?? []
      if (data === undefined) continue
      events.push({ id: Number(id), data: JSON.parse(data) })
      onEvent?.()
    }
    if (events.length < most) continue
    await reader.cancel()
    return events
  }
}

it('a job is shown at each change until it ends, and a watcher that comes back goes on where it was', async () => {
  const jobId = await newJob()
  const begun = await beginJob(service.database, { jobId, worker: 'test' })
  const leaseToken = begun?.lease.token ?? ''
  const first = await eventsOf(jobId, { most: 1 })
  expect(first[0]?.data).toMatchObject({ id: jobId, state: 'running', progress: { bytes_done: 0 } })
  const shown = Promise.withResolvers<void>()
  const rest = eventsOf(jobId, { lastEventId: first[0]?.id ?? 0, onEvent: shown.resolve })
  const again = eventsOf(jobId)
  const progress = { bytes_done: 5, bytes_total: 10, parts_done: 1 }
  await noteProgress(service.database, { jobId, leaseToken, progress })
  await shown.promise
  await finishJob(service.database, { jobId, leaseToken, state: 'done' })
  const seen = await rest
  expect(seen.map(({ data }) => data.state)).toEqual(['running', 'done'])
  expect(seen[0]?.data.progress.bytes_done).toBe(5)
  const ids = (await again).map(({ id }) => id)
  expect(ids).toEqual([...ids].sort((a, b) => a - b))
  expect(new Set(ids).size).toBe(ids.length)
  // Its end was seen: an EventSource that gets 204 does not come back.
  const over = await service.ask(`/jobs/${jobId}/events`, {
    key,
    headers: { 'Last-Event-ID': String(ids.at(-1)) },
  })
  expect(over.status).toBe(204)
})

it('many watch one job, and the catalog is asked no more often', async () => {
  const jobId = await newJob()
  const watching = Array.from({ length: 50 }, () => eventsOf(jobId))
  await new Promise(resolve => setTimeout(resolve, 300))
  await cancelJob(service.database, jobId, async () => {})
  for (const events of await Promise.all(watching)) expect(events.at(-1)?.data.state).toBe('cancelled')
})

it('what Last-Event-ID says that is no id of ours leaves nothing out', async () => {
  const jobId = await newJob()
  await cancelJob(service.database, jobId, async () => {})
  const answer = await service.ask(`/jobs/${jobId}/events`, { key, headers: { 'Last-Event-ID': '-1; x' } })
  expect(await answer.text()).toContain('"state":"cancelled"')
})

it('of a job that goes on, an id that it has not come to leaves nothing out', async () => {
  const jobId = await newJob()
  const [first] = await eventsOf(jobId, { lastEventId: 999_999_999_999_999, most: 1 })
  expect(first?.data).toMatchObject({ id: jobId, state: 'queued' })
})
