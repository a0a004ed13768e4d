import type { QueryClient } from '@tanstack/react-query'
import { getJobQueryKey, getOverviewQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Job, JobPage, Overview } from '#api/generated/types.gen.ts'
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
  overview: ['listSources', 'listTargets', 'listBuckets', 'getBucket', 'listDoorKeys'],
  reset: 'all',
}

/** A burst of events becomes one request for each list. */
const COLLECT_MS = 1_000

/** Keeps the answers that the page has in step with the events. */
export class EventCache {
  readonly #queryClient: QueryClient
  readonly #changed = new Set<string>()
  /** What lists depend on of each job that runs, by its id. */
  readonly #running = new Map<string, string>()
  #isAllChanged = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(queryClient: QueryClient) {
    this.#queryClient = queryClient
  }

  apply({ kind, data }: LiveEvent): void {
    if (kind === 'job' && this.#applyJob(data)) return
    if (kind === 'overview') this.#applyOverview(data)
    const changed = CHANGED_BY[kind]
    if (changed === 'all') this.#isAllChanged = true
    else for (const operation of changed) this.#changed.add(operation)
    this.#timer ??= setTimeout(() => this.#refetch(), COLLECT_MS)
  }

  /** True for a job that has merely got on: it is shown where it stands, and nothing has to be asked. */
  #applyJob(job: unknown): boolean {
    if (!isJob(job)) {
      this.#changed.add('getJob')
      return false
    }
    const { id, state, attempt, backup_id } = job
    // One that nobody looks at is not kept: a tab may be open for weeks.
    this.#queryClient.setQueryData<Job>(getJobQueryKey({ path: { id } }), known => known && job)
    const listed = `${state} ${attempt} ${backup_id}`
    const isProgress = this.#running.get(id) === listed
    if (state === 'running') this.#running.set(id, listed)
    else this.#running.delete(id)
    if (!isProgress) return false
    this.#queryClient.setQueriesData<JobPage>(
      { predicate: ({ queryKey }) => operationOf(queryKey) === 'listJobs' },
      list => list && { ...list, items: list.items.map(one => (one.id === id ? job : one)) },
    )
    return true
  }

  #applyOverview(data: unknown): void {
    if (isOverview(data)) this.#queryClient.setQueryData(getOverviewQueryKey(), data)
    else this.#changed.add('getOverview')
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
    void invalidate(this.#queryClient, isAll ? 'all' : operations)
  }
}

/** Asks again for all that an act of that kind may have changed, without waiting for its event. */
export async function refetchAfter(queryClient: QueryClient, kind: EventKind): Promise<void> {
  const changed = CHANGED_BY[kind]
  await invalidate(queryClient, changed === 'all' ? changed : new Set(changed))
}

async function invalidate(queryClient: QueryClient, operations: ReadonlySet<string> | 'all'): Promise<void> {
  await queryClient.invalidateQueries({
    predicate: ({ queryKey }) => operations === 'all' || operations.has(operationOf(queryKey)),
  })
}

function operationOf([key]: readonly unknown[]): string {
  return typeof key === 'object' && key !== null && '_id' in key ? String(key._id) : ''
}

/** `{ id, removed: true }` is none. */
function isJob(data: unknown): data is Job {
  return isObject(data) && typeof data['id'] === 'string' && isObject(data['progress'])
}

/** Anything else would replace what the first screen shows, and break it. */
function isOverview(data: unknown): data is Overview {
  const lists = ['sources', 'buckets', 'reasons', 'alerts', 'running']
  return isObject(data) && lists.every(name => Array.isArray(data[name]))
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null
}
