import { getJob, type Job } from '@telegram-backup/database'
import { jobView } from '@telegram-backup/engine/jobs/job-view.ts'
import { BackupError } from '@telegram-backup/errors'
import type { Response } from 'express'
import { found } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { watchKey } from '#http/key-watch.ts'
import { type Route, route } from '#http/routes/route.ts'
import { Slots } from '#http/slots.ts'

const HEARTBEAT_MS = 15_000
/** For all keys of one process; each is an open connection. */
const STREAMS_AT_ONCE = 1_000
/** A client that leaves this much unread has gone. */
const UNREAD_BYTES = 64 * 1024

/**
 * The streams of one process. They end when the service stops; their clients then connect to another
 * process.
 */
export class OpenStreams {
  readonly #ends = new Set<() => void>()
  readonly #slots = new Slots('streams of events', STREAMS_AT_ONCE)
  #isStopping = false

  get size(): number {
    return this.#ends.size
  }

  /**
   * Adds a stream; returns the function that removes it, to be called once. Throws `OVERLOADED` if there are
   * too many, in all or of that key, and while the service stops.
   */
  add(keyId: string, end: () => void): () => void {
    if (this.#isStopping) {
      throw new BackupError('The service is stopping', {
        code: 'OVERLOADED',
        hint: 'Try again in a moment.',
      })
    }
    const leave = this.#slots.enter(keyId)
    this.#ends.add(end)
    return () => {
      this.#ends.delete(end)
      leave()
    }
  }

  endAll(): void {
    this.#isStopping = true
    for (const end of [...this.#ends]) end()
  }
}

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
      const leaving: (() => void)[] = []
      const leave = (): void => {
        for (const part of leaving.splice(0)) part()
      }
      const end = (): void => {
        leave()
        stream.end()
      }
      leaving.push(open.add(caller.id, end))
      response.once('close', leave)
      const stream = new EventStream(response, seen)
      stream.send(job)
      if (hasEnded(job)) {
        end()
        return undefined
      }
      leaving.push(
        watch.add(job.id, next => {
          // The job was deleted, so its end is unknown.
          if (next === null) return void response.destroy()
          stream.send(next)
          if (hasEnded(next)) end()
        }),
      )
      leaving.push(watchKey({ database, request, response, scope: 'read', project: job.project_id }))
      const beat = setInterval(() => stream.comment('still here'), HEARTBEAT_MS).unref()
      leaving.push(() => clearInterval(beat))
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

/** The events of one job. Their id is the version of the job, so that any process can continue the stream. */
class EventStream {
  readonly #response: Response
  #version: number

  constructor(response: Response, seen: number) {
    this.#response = response
    this.#version = seen
    response.status(200).set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
    response.flushHeaders()
  }

  send(job: Job): void {
    if (job.version <= this.#version) return
    this.#version = job.version
    this.#write(`id: ${job.version}\ndata: ${JSON.stringify(jobView(job))}\n\n`)
  }

  comment(text: string): void {
    this.#write(`: ${text}\n\n`)
  }

  end(): undefined {
    if (!this.#response.writableEnded) this.#response.end()
  }

  #write(text: string): void {
    if (this.#response.writableLength > UNREAD_BYTES) this.#response.destroy()
    else if (!this.#response.destroyed) this.#response.write(text)
  }
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
