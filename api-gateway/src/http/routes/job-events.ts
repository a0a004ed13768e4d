import { getJob, type Job } from '@telegram-backup/database'
import { jobView } from '@telegram-backup/engine/jobs/job-view.ts'
import { BackupError } from '@telegram-backup/errors'
import type { Response } from 'express'
import { found } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { watchKey } from '#http/key-watch.ts'
import { JobWatch } from '#http/routes/job-watch.ts'
import { type Route, route } from '#http/routes/route.ts'
import { Slots } from '#http/slots.ts'

const HEARTBEAT_MS = 15_000
/** Streams in one process; each is a connection that stays. */
const STREAMS_AT_ONCE = 1_000
/** A reader that leaves so much lying is not there any more. */
const UNREAD_BYTES = 64 * 1024

/** The streams of one process. Whoever stops the service ends them, and their clients come back to another one. */
export class OpenStreams {
  readonly #ends = new Set<() => void>()
  readonly #slots = new Slots('streams of events', STREAMS_AT_ONCE)
  #isStopping = false

  get size(): number {
    return this.#ends.size
  }

  /**
   * Takes a place; returns how to give it back, which is to be done once. Throws `OVERLOADED` when there are too many, in all or
   * of that key, or when there are to be none any more.
   */
  add(keyId: string, end: () => void): () => void {
    if (this.#isStopping) {
      throw new BackupError('The service is being stopped', {
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
      summary: 'A job at each of its changes, as server-sent events, until it ends',
      scope: 'read',
      answers: {
        200: {
          description: 'Events, each with a job as data; Last-Event-ID leaves out what was seen',
          contentType: 'text/event-stream',
        },
        204: { description: 'Its end was seen already: there is nothing to come back for' },
      },
      problems: [404],
    },
    async ({ caller, id, request, response }) => {
      const job = found(caller, await getJob(database, id), 'job')
      const seen = lastSeen(request.get('Last-Event-ID'), job)
      if (hasEnded(job) && job.version <= seen) return { status: 204 }
      // Whoever has gone meanwhile closes no more, and what is begun for it would go on for ever.
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
          // Pruned meanwhile: then nobody can say how it ended.
          if (next === null) return void response.destroy()
          stream.send(next)
          if (hasEnded(next)) end()
        }),
      )
      leaving.push(
        watchKey(
          { database, request, onGone: () => response.destroy() },
          { scope: 'read', project: job.project_id },
        ),
      )
      const beat = setInterval(() => stream.comment('still here'), HEARTBEAT_MS).unref()
      leaving.push(() => clearInterval(beat))
      return undefined
    },
  )
}

function hasEnded({ finished_at }: Job): boolean {
  return finished_at !== null
}

/** Of what our events do not have as an id, nothing was seen: nor of what a job that goes on has not come to yet. */
function lastSeen(header: string | undefined, job: Job): number {
  const seen = header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : 0
  return seen <= job.version || hasEnded(job) ? seen : 0
}

/** Events of one job on one connection: the id is the job's version, so that any process can go on. */
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
