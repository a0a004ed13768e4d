import { getJob, type Job } from '@telegram-backup/database'
import { jobView } from '@telegram-backup/engine/jobs/job-view.ts'
import { found } from '#http/callers.ts'
import { EventStream, type OpenStreams } from '#http/event-streams.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'

/** A job as server-sent events until it ends. */
export function jobEvents({ database }: Pick<HttpPorts, 'database'>, open: OpenStreams): Route {
  const watch = new JobWatch(id => getJob(database, id))
  return route(
    {
      method: 'get',
      path: '/jobs/{id}/events',
      name: 'watchJob',
      summary: 'Each change of a job as a server-sent event, until the job ends',
      scope: 'read',
      answers: {
        200: {
          description: 'Events with the job as data; Last-Event-ID leaves out what the client has seen',
          contentType: 'text/event-stream',
        },
        204: { description: 'The job has ended, and the client has seen its end' },
      },
      problems: [404],
    },
    async ({ caller, id, request, response }) => {
      const job = found(caller, await getJob(database, id), 'job')
      const seen = lastSeen(request.get('Last-Event-ID'), job)
      if (hasEnded(job) && job.version <= seen) return { status: 204 }
      // The response is closed already: its close event would never stop the stream.
      if (response.destroyed) return undefined
      const owner = { database, request, response, caller, scope: 'read', project: job.project_id } as const
      const stream = new EventStream(owner, open)
      let version = seen
      const send = (next: Job): void => {
        if (next.version > version) {
          version = next.version
          stream.write(`id: ${version}\ndata: ${JSON.stringify(jobView(next))}\n\n`)
        }
        if (hasEnded(next)) stream.end()
      }
      send(job)
      if (hasEnded(job)) return undefined
      // A job that was deleted has an unknown end.
      stream.onLeave(watch.add(job.id, next => (next === null ? stream.breakOff() : send(next))))
      return undefined
    },
  )
}

function hasEnded({ finished_at }: Job): boolean {
  return finished_at !== null
}

/** The version of the job that the client has seen; 0 for an id that no event of this job can have. */
function lastSeen(header: string | undefined, job: Job): number {
  const seen = header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : 0
  return seen <= job.version || hasEnded(job) ? seen : 0
}

type Listener = (job: Job | null) => void

const LOOK_EVERY_MS = 1_000

/** Reads each job that has listeners about once a second, once for all of them. */
class JobWatch {
  readonly #look: (jobId: string) => Promise<Job | null>
  readonly #listeners = new Map<string, Set<Listener>>()

  constructor(look: (jobId: string) => Promise<Job | null>) {
    this.#look = look
  }

  /** The listener gets null if the job does not exist. Returns the function that stops it. */
  add(jobId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(jobId) ?? new Set()
    listeners.add(listener)
    if (!this.#listeners.has(jobId)) {
      this.#listeners.set(jobId, listeners)
      this.#lookLater(jobId)
    }
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(jobId) === listeners) this.#listeners.delete(jobId)
    }
  }

  #lookLater(jobId: string): void {
    const listeners = this.#listeners.get(jobId)
    setTimeout(async () => {
      if (listeners === undefined || this.#listeners.get(jobId) !== listeners) return
      try {
        const job = await this.#look(jobId)
        for (const listener of [...listeners]) listener(job)
      } catch {
        // The catalog does not answer. The next try may succeed; listeners only notice a pause.
      }
      if (this.#listeners.get(jobId) === listeners) this.#lookLater(jobId)
    }, LOOK_EVERY_MS).unref()
  }
}
