import { getAlert, listAlerts, type RecordedAlert } from '@telegram-backup/database'
import { alertView } from '@telegram-backup/engine/monitoring/alert-view.ts'
import { LONGEST_MUTE_MINUTES, mute } from '@telegram-backup/engine/operations/alerts.ts'
import { z } from 'zod'
import { found, inNameOf, projectOf, seesPlaces } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { page, readCursor } from '#http/schemas/cursor.ts'
import { ALERT, ALERT_PAGE } from '#http/schemas/operator-schemas.ts'
import { CURSOR, LIMIT, PROJECT_ID } from '#http/schemas/terms.ts'

/** What is wrong, and what was. */
export function alertRoutes(ports: HttpPorts): Route[] {
  return [list(ports), muteOne(ports)]
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/alerts',
      name: 'listAlerts',
      summary: 'The alerts, the newest beginning first; ended ones are kept for 400 days',
      scope: 'read',
      query: z.strictObject({
        state: z.enum(['open', 'ended', 'all']).default('open'),
        project_id: PROJECT_ID.optional(),
        limit: LIMIT,
        cursor: CURSOR.optional(),
      }),
      answers: { 200: { description: 'One page', schema: ALERT_PAGE } },
      problems: [404],
    },
    async ({ caller, query }) => {
      const { state, project_id, cursor, limit } = query
      const projectId = projectOf(caller, project_id)
      const after = readCursor(cursor)
      const alerts = await listAlerts(database, { state, projectId, after, limit: limit + 1 })
      const items = alerts.slice(0, limit).map(alert => ({ ...alert, created_at: alert.since }))
      const view = (alert: RecordedAlert) => alertView(alert, { showPlaces: seesPlaces(caller) })
      return { status: 200, body: page(items, { hasMore: alerts.length > limit, view }) }
    },
  )

const muteOne = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'post',
      path: '/alerts/{id}/mute',
      name: 'muteAlert',
      summary: 'Hold back the notices of an open alert for some time; its end is announced all the same',
      scope: 'backup',
      body: z.strictObject({
        minutes: z.int().min(0).max(LONGEST_MUTE_MINUTES).meta({ description: '0 ends the mute.' }),
      }),
      answers: { 200: { description: 'The alert as it is now', schema: ALERT } },
      problems: [404, 409],
    },
    async ({ caller, id, body: { minutes } }) => {
      const alert = await getAlert(database, id)
      found(caller, alert && { project_id: projectIn(alert) }, 'alert')
      const muted = await mute(inNameOf(caller, database), { id, minutes })
      return { status: 200, body: alertView(muted, { showPlaces: seesPlaces(caller) }) }
    },
  )

function projectIn({ details: { project } }: RecordedAlert): string | null {
  return typeof project === 'string' ? project : null
}
