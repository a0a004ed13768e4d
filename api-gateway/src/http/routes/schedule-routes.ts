import { isDeepStrictEqual } from 'node:util'
import { getSchedule, listSchedules, removeSchedule, type Schedule } from '@telegram-backup/database'
import { actorOf, assertRecentFactor, type Caller } from '@telegram-backup/engine/access/caller.ts'
import {
  addSchedule,
  changeSchedule,
  nextRuns,
  scheduleView,
  scheduleViews,
} from '@telegram-backup/engine/operations/schedules.ts'
import { keepView } from '@telegram-backup/engine/retention/keep-policy.ts'
import { z } from 'zod'
import { found, notFound, projectOfSource } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { KEEP, SCHEDULE, SCHEDULE_PAGE, SCHEDULE_TIMES } from '#http/schemas/job-schemas.ts'
import { NAME } from '#http/schemas/terms.ts'

export function scheduleRoutes(ports: HttpPorts): Route[] {
  return [list(ports), create(ports), preview(), change(ports), remove(ports)]
}

/** So many runs show a weekly rhythm, and the days of a month. */
const RUNS_PREVIEWED = 5

const CRON = z.string().min(1).max(200).meta({
  description:
    'Five fields: minute, hour, day, month, day of the week; or @hourly, @daily, @weekly, @monthly, @yearly.',
})
const TIMEZONE = z.string().min(1).max(64).meta({ description: 'An IANA name; the default is UTC.' })
const TERMS = {
  timezone: TIMEZONE.optional(),
  enabled: z.boolean().optional(),
  keep: KEEP.nullable().optional(),
  jitter: z.int().min(0).max(86_400).optional().meta({ description: 'Seconds.' }),
  catch_up: z.enum(['once', 'skip']).optional(),
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/schedules',
      name: 'listSchedules',
      summary: 'The schedules, oldest first',
      scope: 'read',
      answers: { 200: { description: 'All schedules', schema: SCHEDULE_PAGE } },
    },
    async ({ caller }) => {
      const all = await listSchedules(database, { projectId: caller.project_id ?? undefined })
      const items = await scheduleViews(database, all)
      return { status: 200, body: { items, next_cursor: null } }
    },
  )

const create = ({ database, configFile }: HttpPorts): Route =>
  route(
    {
      method: 'post',
      path: '/schedules',
      name: 'createSchedule',
      summary: 'Back up a source at fixed times; with a policy (keep), a person needs a factor',
      scope: 'admin',
      body: z.strictObject({ source: NAME, cron: CRON, ...TERMS }),
      answers: { 201: { description: 'The schedule', schema: SCHEDULE } },
      problems: [404, 409],
    },
    async ({ caller, body }) => {
      assertMayKeep(caller, { before: null, after: body.keep })
      projectOfSource(configFile, caller, body.source)
      const schedule = await addSchedule({ ...database, actor: actorOf(caller) }, body, configFile)
      return { status: 201, body: await scheduleView(database, schedule) }
    },
  )

const preview = (): Route =>
  route(
    {
      method: 'post',
      path: '/schedules/preview',
      name: 'previewSchedule',
      summary: 'When a schedule would run next; changes nothing',
      scope: 'read',
      body: z.strictObject({ cron: CRON, timezone: TIMEZONE.optional() }),
      answers: { 200: { description: 'The next runs', schema: SCHEDULE_TIMES } },
    },
    async ({ body }) => ({ status: 200, body: { next_runs: nextRuns(body, { count: RUNS_PREVIEWED }) } }),
  )

const change = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'patch',
      path: '/schedules/{id}',
      name: 'changeSchedule',
      summary:
        'Change a schedule; fields that are not given stay as they are; for another policy (keep), a person needs a factor',
      scope: 'admin',
      body: z.strictObject({ cron: CRON.optional(), ...TERMS }),
      answers: { 200: { description: 'The schedule as it is now', schema: SCHEDULE } },
      problems: [404],
    },
    async ({ caller, id, body }) => {
      const known = found<Schedule>(caller, await getSchedule(database, id), 'schedule')
      assertMayKeep(caller, { before: keepView(known.keep), after: body.keep })
      const schedule = await changeSchedule({ ...database, actor: actorOf(caller) }, known.id, body)
      if (schedule === null) throw notFound('schedule')
      return { status: 200, body: await scheduleView(database, schedule) }
    },
  )

/** What a policy no longer keeps is erased: a person needs the same factor as to erase. */
function assertMayKeep(caller: Caller, { before, after }: { before: unknown; after: unknown }): void {
  if (after !== undefined && !isDeepStrictEqual(before, after)) assertRecentFactor(caller)
}

const remove = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/schedules/{id}',
      name: 'removeSchedule',
      summary: 'Remove a schedule; its backups stay, and its policy still applies to them',
      scope: 'admin',
      answers: { 204: { description: 'The schedule is removed' } },
      problems: [404],
    },
    async ({ caller, id }) => {
      const { id: known } = found<Schedule>(caller, await getSchedule(database, id), 'schedule')
      if (!(await removeSchedule({ ...database, actor: actorOf(caller) }, known))) throw notFound('schedule')
      return { status: 204 }
    },
  )
