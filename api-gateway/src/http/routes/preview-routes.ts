import {
  getBackupDetails,
  getSchedule,
  listRetentionPolicies,
  listSourcePolicies,
} from '@telegram-backup/database'
import { preflightRestore } from '@telegram-backup/engine/operations/preflight-restore.ts'
import { previewRetention } from '@telegram-backup/engine/operations/preview-retention.ts'
import { keepView } from '@telegram-backup/engine/retention/keep-policy.ts'
import { parseKeep } from '@telegram-backup/engine/retention/parse-keep.ts'
import { z } from 'zod'
import { assertSees, found, notFound, projectOf, targetFor } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { whileWanted } from '#http/in-time.ts'
import { logOf } from '#http/request-context.ts'
import { assertWhole } from '#http/routes/backup-routes.ts'
import { type Route, route } from '#http/routes/route.ts'
import { KEEP } from '#http/schemas/job-schemas.ts'
import { POLICY_PAGE, PREFLIGHT, RETENTION_PREVIEW } from '#http/schemas/operator-schemas.ts'
import { NAME, PROJECT_ID, TYPE, UUID } from '#http/schemas/terms.ts'
import { Slots } from '#http/slots.ts'

/** A preflight starts client programs; a preview reads all backups of a project. */
const AT_ONCE = 4
/** How long a target may take to answer. */
const PREFLIGHT_LIMIT_MS = 20_000

/** What an act would do, and the policies of now. Nothing is changed. */
export function previewRoutes(ports: HttpPorts): Route[] {
  return [preflight(ports), policies(ports), retention(ports)]
}

const preflight = ({ database, engine, configFile }: HttpPorts): Route => {
  const slots = new Slots('preflights', AT_ONCE)
  return route(
    {
      method: 'post',
      path: '/backups/{id}/restore/preflight',
      name: 'preflightRestore',
      summary: 'What a restore would do, and what would stop it; changes nothing',
      scope: 'restore',
      body: z.strictObject({ target: NAME, overwrite: z.boolean().optional() }),
      answers: { 200: { description: 'The plan, and its problems', schema: PREFLIGHT } },
      problems: [404],
    },
    async ({ caller, id, body, response }) => {
      const { target: name, overwrite = false } = body
      const backup = found(caller, await getBackupDetails(database, id), 'backup')
      const settings = targetFor(configFile, caller, name)
      assertWhole(backup)
      const signal = whileWanted(response, PREFLIGHT_LIMIT_MS)
      const note = (line: string): void => logOf(response).info({ backup_id: backup.id, target: name }, line)
      const work = () => preflightRestore(engine, { backup, name, settings, overwrite }, { signal, note })
      return { status: 200, body: await slots.use(caller.id, work) }
    },
  )
}

const policies = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/retention',
      name: 'listPolicies',
      summary: 'The policies that no schedule has: of a project and type, and of removed schedules',
      scope: 'read',
      query: z.strictObject({ project_id: PROJECT_ID.optional() }),
      answers: { 200: { description: 'All of them', schema: POLICY_PAGE } },
      problems: [404],
    },
    async ({ caller, query }) => {
      const projectId = projectOf(caller, query.project_id)
      const ofKinds = (await listRetentionPolicies(database)).map(policy => ({ ...policy, source: null }))
      const items = [...ofKinds, ...(await listSourcePolicies(database))]
        .filter(({ project_id }) => projectId === undefined || project_id === projectId)
        .map(({ project_id, type, source, keep }) => ({ project_id, type, source, keep: keepView(keep) }))
      return { status: 200, body: { items, next_cursor: null } }
    },
  )

const retention = ({ database }: HttpPorts): Route => {
  const slots = new Slots('previews', AT_ONCE)
  return route(
    {
      method: 'post',
      path: '/retention/preview',
      name: 'previewRetention',
      summary: 'Which backups of a project and type another policy would keep and erase; changes nothing',
      scope: 'read',
      body: z
        .strictObject({
          project_id: PROJECT_ID,
          type: TYPE,
          keep: KEEP.nullable(),
          schedule_id: UUID.optional().meta({ description: 'The policy stands for that of this schedule.' }),
          source: NAME.optional().meta({
            description: 'The policy is one more, as that of a new schedule of this source.',
          }),
        })
        .refine(({ schedule_id, source }) => schedule_id === undefined || source === undefined, {
          message: 'give schedule_id or source, not both',
        }),
      answers: { 200: { description: 'The backups, with the reasons', schema: RETENTION_PREVIEW } },
      problems: [404],
    },
    async ({ caller, body }) => {
      const { project_id: projectId, type, schedule_id: scheduleId, source } = body
      assertSees(caller, projectId)
      if (scheduleId !== undefined) {
        const schedule = await getSchedule(database, scheduleId)
        if (schedule?.project_id !== projectId || schedule.type !== type) throw notFound('schedule')
      }
      const keep = parseKeep(body.keep)
      const work = () => previewRetention(database, { projectId, type, keep, scheduleId, source })
      return { status: 200, body: await slots.use(caller.id, work) }
    },
  )
}
