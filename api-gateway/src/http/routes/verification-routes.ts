import { getVerification, type ListedVerification, pageVerifications } from '@telegram-backup/database'
import { z } from 'zod'
import { verificationView } from '#http/backup-view.ts'
import { found, notFound, projectOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Answer, type ApiRequest, type Route, route } from '#http/routes/route.ts'
import {
  VERIFICATION,
  VERIFICATION_KIND,
  VERIFICATION_PAGE,
  VERIFICATION_STATE,
} from '#http/schemas/backup-schemas.ts'
import { page, readCursor } from '#http/schemas/cursor.ts'
import { CURSOR, LIMIT, NAME, PROJECT_ID, UUID } from '#http/schemas/terms.ts'

/** What was checked, and what came out. A drill is a verification of that kind. */
export function verificationRoutes(ports: HttpPorts): Route[] {
  return [list(ports), listDrills(ports), showDrill(ports)]
}

const FILTER = z.strictObject({
  project_id: PROJECT_ID.optional(),
  backup_id: UUID.optional(),
  source: NAME.optional(),
  state: VERIFICATION_STATE.optional(),
  limit: LIMIT,
  cursor: CURSOR.optional(),
})
const PAGE = { 200: { description: 'One page', schema: VERIFICATION_PAGE } }

const list = (ports: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/verifications',
      name: 'listVerifications',
      summary: 'The verifications of all backups, newest first',
      scope: 'read',
      query: z.strictObject({ ...FILTER.shape, kind: VERIFICATION_KIND.optional() }),
      answers: PAGE,
      problems: [404],
    },
    async request => await onePage(ports, request, request.query.kind),
  )

const listDrills = (ports: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/drills',
      name: 'listDrills',
      summary: 'The drills of all backups, newest first',
      scope: 'read',
      query: FILTER,
      answers: PAGE,
      problems: [404],
    },
    async request => await onePage(ports, request, 'drill'),
  )

async function onePage(
  { database }: HttpPorts,
  { caller, query }: Pick<ApiRequest<z.output<typeof FILTER>, unknown>, 'caller' | 'query'>,
  kind: ListedVerification['kind'] | undefined,
): Promise<Answer> {
  const { project_id, backup_id: backupId, source: sourceName, state, limit, cursor } = query
  const { verifications, hasMore } = await pageVerifications(database, {
    ...{ backupId, sourceName, state, limit, kind },
    projectId: projectOf(caller, project_id),
    after: readCursor(cursor),
  })
  const items = verifications.map(one => ({ ...one, created_at: one.started_at }))
  const view = ({ created_at: _, ...one }: (typeof items)[number]) => verificationView(caller, one)
  return { status: 200, body: page(items, { hasMore, view }) }
}

const showDrill = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/drills/{id}',
      name: 'getDrill',
      summary: 'One drill: what was restored, and how it compares with the source',
      scope: 'read',
      answers: { 200: { description: 'The drill', schema: VERIFICATION } },
      problems: [404],
    },
    async ({ caller, id }) => {
      const drill = found(caller, await getVerification(database, id), 'drill')
      if (drill.kind !== 'drill') throw notFound('drill')
      return { status: 200, body: verificationView(caller, drill) }
    },
  )
