import { QueryClient } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import {
  getJobQueryKey,
  getOverviewQueryKey,
  listJobsQueryKey,
} from '#api/generated/@tanstack/react-query.gen.ts'
import { EventCache } from '#live/apply-event.ts'

const OVERVIEW = { state: 'ok', sources: [], buckets: [], reasons: [], alerts: [], running: [] }
const jobKey = (id: string) => getJobQueryKey({ path: { id } })
const job = (id: string, bytes_done = 0) => ({ id, kind: 'backup', progress: { bytes_done } })

let queryClient: QueryClient
let cache: EventCache

beforeEach(() => {
  vi.useFakeTimers()
  queryClient = new QueryClient()
  cache = new EventCache(queryClient)
})

afterEach(() => {
  cache.stop()
  queryClient.clear()
  vi.useRealTimers()
})

it('what is no overview does not replace the one that is shown, and a new one is asked for', () => {
  queryClient.setQueryData(getOverviewQueryKey(), OVERVIEW)
  for (const data of [null, 7, 'text', [], {}, { sources: {} }, { ...OVERVIEW, running: null }]) {
    cache.apply({ kind: 'overview', data })
    expect(queryClient.getQueryData(getOverviewQueryKey())).toEqual(OVERVIEW)
  }
  vi.runAllTimers()
  expect(queryClient.getQueryState(getOverviewQueryKey())?.isInvalidated).toBe(true)
  const next = { ...OVERVIEW, state: 'broken' }
  cache.apply({ kind: 'overview', data: next })
  expect(queryClient.getQueryData(getOverviewQueryKey())).toEqual(next)
})

it('events of 10,000 jobs leave nothing in memory but the job that is looked at', () => {
  queryClient.setQueryData(jobKey('7'), job('7'))
  for (let id = 0; id < 10_000; id += 1) cache.apply({ kind: 'job', data: job(String(id), id) })
  cache.apply({ kind: 'job', data: { id: '7', removed: true } })
  expect(queryClient.getQueryData(jobKey('7'))).toEqual(job('7', 7))
  expect(queryClient.getQueryCache().getAll()).toHaveLength(1)
})

it('the progress of a job shows in its lists, and asks for none of them until the job changes', () => {
  const list = (one: object) => ({ items: [one], next_cursor: null })
  const running = (bytes: number) => ({ ...job('7', bytes), state: 'running', attempt: 1, backup_id: null })
  queryClient.setQueryData(listJobsQueryKey(), list(running(0)))
  const isInvalidated = () => queryClient.getQueryState(listJobsQueryKey())?.isInvalidated
  cache.apply({ kind: 'job', data: running(1) })
  vi.runAllTimers()
  expect(isInvalidated()).toBe(true)
  queryClient.setQueryData(listJobsQueryKey(), list(running(1)))
  cache.apply({ kind: 'job', data: running(2) })
  vi.runAllTimers()
  expect(queryClient.getQueryData(listJobsQueryKey())).toEqual(list(running(2)))
  expect(isInvalidated()).toBe(false)
  cache.apply({ kind: 'job', data: { ...running(2), state: 'done' } })
  vi.runAllTimers()
  expect(isInvalidated()).toBe(true)
})

it('a burst of events asks for each list once', () => {
  const invalidate = vi.spyOn(queryClient, 'invalidateQueries')
  for (let time = 0; time < 10_000; time += 1) cache.apply({ kind: 'backup', data: { id: String(time) } })
  cache.apply({ kind: 'reset', data: {} })
  vi.runAllTimers()
  expect(invalidate).toHaveBeenCalledTimes(1)
})
