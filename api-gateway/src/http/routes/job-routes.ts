import { getJob, listJobLog, listJobs } from '@telegram-backup/database'
import { actorOf } from '@telegram-backup/engine/access/caller.ts'
import { jobView } from '@telegram-backup/engine/jobs/job-view.ts'
import { z } from 'zod'
import { found, notFound, projectOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { countedPage, page, readCountCursor, readCursor } from '#http/schemas/cursor.ts'
import { JOB, JOB_KIND, JOB_LOG, JOB_PAGE, JOB_STATE } from '#http/schemas/job-schemas.ts'
import { CURSOR, LIMIT, NAME, PROJECT_ID, UUID } from '#http/schemas/terms.ts'

export function jobRoutes(ports: HttpPorts): Route[] {
  return [list(ports), show(ports), log(ports), cancel(ports)]
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/jobs',
      name: 'listJobs',
      summary: 'The jobs, newest first',
      scope: 'read',
      query: z.strictObject({
        project_id: PROJECT_ID.optional(),
        kind: JOB_KIND.optional(),
        state: JOB_STATE.optional(),
        source: NAME.optional(),
        backup_id: UUID.optional(),
        limit: LIMIT,
        cursor: CURSOR.optional(),
      }),
      answers: { 200: { description: 'One page', schema: JOB_PAGE } },
      problems: [404],
    },
    async ({ caller, query }) => {
      const { project_id, backup_id: backupId, cursor, limit, ...filter } = query
      const jobs = await listJobs(database, {
        ...filter,
        backupId,
        projectId: projectOf(caller, project_id),
        // One more shows whether there is a next page.
        limit: limit + 1,
        after: readCursor(cursor),
      })
      const hasMore = jobs.length > limit
      return { status: 200, body: page(jobs.slice(0, limit), { hasMore, view: jobView }) }
    },
  )

const show = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/jobs/{id}',
      name: 'getJob',
      summary: 'One job',
      scope: 'read',
      answers: { 200: { description: 'The job', schema: JOB } },
      problems: [404],
    },
    async ({ caller, id }) => ({
      status: 200,
      body: jobView(found(caller, await getJob(database, id), 'job')),
    }),
  )

const log = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/jobs/{id}/log',
      name: 'getJobLog',
      summary: 'What the stages of a job reported, oldest first; kept for 30 days',
      scope: 'read',
      query: z.strictObject({
        stage: z.string().min(1).max(64).optional(),
        limit: LIMIT,
        cursor: CURSOR.optional(),
      }),
      answers: { 200: { description: 'One page', schema: JOB_LOG } },
      problems: [404],
    },
    async ({ caller, id, query }) => {
      const { id: jobId } = found(caller, await getJob(database, id), 'job')
      const { stage, limit, cursor } = query
      const lines = await listJobLog(database, {
        jobId,
        stage,
        limit: limit + 1,
        after: readCountCursor(cursor),
      })
      const hasMore = lines.length > limit
      const body = countedPage(lines.slice(0, limit), {
        hasMore,
        view: ({ at, stage, level, text }) => ({ at, stage, level, text }),
      })
      return { status: 200, body }
    },
  )

const cancel = ({ database, queue }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/jobs/{id}',
      name: 'cancelJob',
      summary: 'Cancel a waiting job, or ask a running job to stop',
      scope: 'backup',
      answers: { 202: { description: 'The job as it is now; a running job ends soon', schema: JOB } },
      problems: [404, 409],
    },
    async ({ caller, id }) => {
      const job = found(caller, await getJob(database, id), 'job')
      const after = await queue.cancel(job.id, actorOf(caller))
      if (after === null) throw notFound('job')
      return { status: 202, body: jobView(after) }
    },
  )
