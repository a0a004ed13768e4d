import {
  type ApiScope,
  assertErasable,
  type Backup,
  getBackupById,
  getBackupDetails,
  getBackupStats,
  type NewJob,
  pageBackups,
} from '@telegram-backup/database'
import { actorOf, assertRecentFactor } from '@telegram-backup/engine/access/caller.ts'
import { SCOPE_FOR } from '@telegram-backup/engine/jobs/asker-rights.ts'
import type { JobQueue } from '@telegram-backup/engine/jobs/job-queue.ts'
import { restoreTimeOf } from '@telegram-backup/engine/proof/restore-time.ts'
import {
  assertRestorable,
  fits,
  holdsDirectory,
  type RestoreTarget,
  targetKindIn,
} from '@telegram-backup/engine/restore/restore-target.ts'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { z } from 'zod'
import { backupDetailsView, backupView } from '#http/backup-view.ts'
import { found, projectOf, projectOfSource, targetFor } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type ApiRequest, type Route, type RouteDescription, route } from '#http/routes/route.ts'
import { BACKUP_DETAILS, BACKUP_PAGE, BACKUP_STATE, BACKUP_STATS } from '#http/schemas/backup-schemas.ts'
import { page, readCursor } from '#http/schemas/cursor.ts'
import { JOB_ACCEPTED } from '#http/schemas/job-schemas.ts'
import { CURSOR, EVEN_THE_LAST, GIVEN_TIME, LIMIT, NAME, PROJECT_ID, TAG, TYPE } from '#http/schemas/terms.ts'

/** Backups, the jobs that work on them, and their statistics. */
export function backupRoutes(ports: HttpPorts): Route[] {
  return [list(ports), create(ports), show(ports), erase(ports), restore(ports), verify(ports), stats(ports)]
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/backups',
      name: 'listBackups',
      summary: 'The backups, newest first',
      scope: 'read',
      query: z.strictObject({
        project_id: PROJECT_ID.optional(),
        type: TYPE.optional(),
        state: BACKUP_STATE.optional(),
        source: NAME.optional(),
        tag: TAG.optional(),
        from: GIVEN_TIME.optional(),
        to: GIVEN_TIME.optional(),
        limit: LIMIT,
        cursor: CURSOR.optional(),
      }),
      answers: { 200: { description: 'One page', schema: BACKUP_PAGE } },
      problems: [404],
    },
    async ({ caller, query }) => {
      const { project_id, source: sourceName, cursor, ...filter } = query
      const projectId = projectOf(caller, project_id)
      const { backups, hasMore } = await pageBackups(database, {
        ...filter,
        sourceName,
        projectId,
        after: readCursor(cursor),
      })
      return { status: 200, body: page(backups, { hasMore, view: backup => backupView(caller, backup) }) }
    },
  )

const create = ({ queue, configFile }: HttpPorts): Route =>
  jobRoute(
    queue,
    {
      method: 'post',
      path: '/backups',
      name: 'createBackup',
      summary: 'Back up a source that telegram-backup.yaml names',
      scope: SCOPE_FOR.backup,
      body: z.strictObject({ source: NAME }),
      idempotent: true,
    },
    async ({ caller, body: { source } }) => {
      return { kind: 'backup', projectId: projectOfSource(configFile, caller, source), source }
    },
  )

const show = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/backups/{id}',
      name: 'getBackup',
      summary: 'One backup, with its messages and its history',
      scope: 'read',
      answers: { 200: { description: 'The backup', schema: BACKUP_DETAILS } },
      problems: [404],
    },
    async ({ caller, id }) => {
      const backup = found(caller, await getBackupDetails(database, id), 'backup')
      const restore_estimate = backup.state === 'complete' ? await restoreTimeOf(database, backup) : null
      return { status: 200, body: { ...backupDetailsView(caller, backup), restore_estimate } }
    },
  )

const erase = ({ database, queue }: HttpPorts): Route =>
  jobRoute(
    queue,
    {
      method: 'delete',
      path: '/backups/{id}',
      name: 'eraseBackup',
      needsFactor: true,
      summary: 'Erase a backup in its chats; the last good one of its project and type needs even_the_last',
      scope: SCOPE_FOR.erase,
      query: z.strictObject({ even_the_last: EVEN_THE_LAST }),
    },
    async ({ caller, id, query: { even_the_last: evenTheLast } }) => {
      const backup = found(caller, await getBackupById(database, id), 'backup')
      // For an erased backup, the job reports its messages, as the command `erase` does.
      if (backup.state !== 'erased') await assertErasable(database, { backupId: backup.id, evenTheLast })
      const options = evenTheLast ? { even_the_last: true } : undefined
      return { kind: 'erase', projectId: backup.project_id, backupId: backup.id, options }
    },
  )

const restore = ({ database, queue, configFile }: HttpPorts): Route =>
  jobRoute(
    queue,
    {
      method: 'post',
      path: '/backups/{id}/restore',
      name: 'restoreBackup',
      summary:
        'Restore a backup to a target that telegram-backup.yaml names; with overwrite, a person needs a factor',
      scope: SCOPE_FOR.restore,
      body: z.strictObject({ target: NAME, overwrite: z.boolean().optional() }),
      idempotent: true,
    },
    async ({ caller, id, body: { target, overwrite = false } }) => {
      if (overwrite) assertRecentFactor(caller)
      const backup = found(caller, await getBackupById(database, id), 'backup')
      const targetKind = targetKindIn(targetFor(configFile, caller, target))
      assertWhole(backup)
      assertFits(backup, targetKind)
      const { project_id: projectId, id: backupId } = backup
      return { kind: 'restore', projectId, backupId, target, options: { overwrite } }
    },
  )

const verify = ({ database, queue, configFile }: HttpPorts): Route =>
  jobRoute(
    queue,
    {
      method: 'post',
      path: '/backups/{id}/verify',
      name: 'verifyBackup',
      summary:
        'Check that every message of a backup exists, read every byte, or restore and compare it (a drill)',
      scope: SCOPE_FOR.verify,
      body: z
        .strictObject({
          read_data: z.boolean().optional(),
          drill: z
            .boolean()
            .optional()
            .meta({ description: 'Also restore it into a temporary place, and compare.' }),
          on: NAME.optional().meta({ description: 'With drill: the target on whose server it is restored.' }),
        })
        .refine(({ drill, on }) => on === undefined || drill === true, {
          path: ['on'],
          message: 'needs "drill": true',
        }),
      idempotent: true,
    },
    async ({ caller, id, body: { read_data = false, drill = false, on } }) => {
      const backup = found(caller, await getBackupById(database, id), 'backup')
      if (on !== undefined) targetFor(configFile, caller, on)
      assertWhole(backup)
      if (drill) {
        const { project_id: projectId, id: backupId } = backup
        return { kind: 'drill', projectId, backupId, source: ownSourceOf(configFile, backup), target: on }
      }
      return { kind: 'verify', projectId: backup.project_id, backupId: backup.id, options: { read_data } }
    },
  )

const stats = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/stats',
      name: 'getStats',
      summary: 'Numbers, sizes and ages of the complete backups',
      scope: 'read',
      query: z.strictObject({ project_id: PROJECT_ID.optional() }),
      answers: { 200: { description: 'The statistics', schema: BACKUP_STATS } },
      problems: [404],
    },
    async ({ caller, query }) => ({
      status: 200,
      body: await getBackupStats(database, projectOf(caller, query.project_id)),
    }),
  )

/**
 * A route that puts a job into the queue. If the same API key repeats an idempotency key, or the same job is
 * already waiting, the answer names that job.
 */
function jobRoute<Query extends z.ZodObject, Body extends z.ZodType>(
  queue: JobQueue,
  description: Omit<RouteDescription, 'query' | 'body' | 'answers' | 'scope'> & {
    scope: ApiScope
    query?: Query
    body?: Body
  },
  jobFor: (request: ApiRequest<z.output<Query>, z.output<Body>>) => Promise<NewJob>,
): Route {
  const answers = {
    202: {
      description: 'The queue has the job; Location names it',
      schema: JOB_ACCEPTED,
      headers: { Location: 'The path of the job' },
    },
  }
  return route<Query, Body>({ ...description, answers, problems: [404, 409] }, async request => {
    const { caller, idempotencyKey } = request
    const { job } = await queue.submit({
      ...(await jobFor(request)),
      actor: actorOf(caller),
      byCaller: { callerId: caller.id, idempotencyKey },
    })
    return { status: 202, body: { job_id: job.id }, headers: { Location: `/api/v1/jobs/${job.id}` } }
  })
}

/** The source of a backup if telegram-backup.yaml still names it: its settings say how it is drilled. */
function ownSourceOf(
  { sourceNames, projectOf: projectIn }: HttpPorts['configFile'],
  { source_name: name, project_id }: Backup,
): string | undefined {
  if (name === null || !sourceNames.includes(name)) return undefined
  return projectIn('source', name) === project_id ? name : undefined
}

/** Throws `NOT_FOUND` for a backup that is not complete: the job would fail. */
export function assertWhole({ state }: Backup): void {
  if (state === 'complete') return
  throw new BackupError(`The backup is ${state}; the chat does not hold all of it`, {
    code: 'NOT_FOUND',
    hint: 'GET /backups?state=complete lists the complete backups.',
  })
}

/** Throws `USAGE`, as the job would; for a directory, the hint is one for the API. */
function assertFits(backup: Backup, target: RestoreTarget): void {
  if (holdsDirectory(backup) && !fits(backup, target)) {
    throw new BackupError('The backup holds a directory, and the target is a database', {
      code: 'USAGE',
      hint: hint`GET /backups/{id}/content gives its tar file; "${run('restore')}" restores it into a directory.`,
    })
  }
  assertRestorable(backup, target)
}
