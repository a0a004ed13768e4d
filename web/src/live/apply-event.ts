import type { QueryClient } from '@tanstack/react-query'
import { getJobQueryKey, getOverviewQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Job, Overview } from '#api/generated/types.gen.ts'
import type { EventKind, LiveEvent } from '#live/event-source.ts'

/** The queries, by their operation, whose answers an event of the kind may have changed. */
const CHANGED_BY: Readonly<Record<EventKind, readonly string[] | 'all'>> = {
  backup: [
    'listBackups',
    'getBackup',
    'getStats',
    'listVerifications',
    'listDrills',
    'getDrill',
    'listEvidence',
    'getEvidence',
    'previewRetention',
  ],
  job: ['listJobs', 'getJobLog'],
  schedule: ['listSchedules', 'listSources', 'previewRetention'],
  alert: ['listAlerts'],
  overview: ['listSources', 'listTargets'],
  reset: 'all',
}

/** A burst of events becomes one request for each list. */
const COLLECT_MS = 1_000

/** Keeps the answers that the page has in step with the events. */
export class EventCache {
  readonly #queryClient: QueryClient
  readonly #changed = new Set<string>()
  #isAllChanged = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(queryClient: QueryClient) {
    this.#queryClient = queryClient
  }

  apply({ kind, data }: LiveEvent): void {
    if (kind === 'job' && isWhole<Job>(data))
      this.#queryClient.setQueryData(getJobQueryKey({ path: { id: data.id } }), data)
    if (kind === 'overview') this.#queryClient.setQueryData(getOverviewQueryKey(), data as Overview)
    const changed = CHANGED_BY[kind]
    if (changed === 'all') this.#isAllChanged = true
    else for (const operation of changed) this.#changed.add(operation)
    this.#timer ??= setTimeout(() => this.#refetch(), COLLECT_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #refetch(): void {
    this.#timer = undefined
    const [operations, isAll] = [new Set(this.#changed), this.#isAllChanged]
    this.#changed.clear()
    this.#isAllChanged = false
    void this.#queryClient.invalidateQueries({
      predicate: ({ queryKey }) => isAll || operations.has(operationOf(queryKey)),
    })
  }
}

function operationOf([key]: readonly unknown[]): string {
  return typeof key === 'object' && key !== null && '_id' in key ? String(key._id) : ''
}

function isWhole<Thing extends { id: string }>(data: unknown): data is Thing {
  return typeof data === 'object' && data !== null && 'id' in data && !('removed' in data)
}
