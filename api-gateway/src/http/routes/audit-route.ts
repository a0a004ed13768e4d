import { listAudit } from '@telegram-backup/database'
import { z } from 'zod'
import { projectOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { countedPage, readCountCursor } from '#http/schemas/cursor.ts'
import { ACT, AUDIT_PAGE } from '#http/schemas/operator-schemas.ts'
import { CURSOR, GIVEN_TIME, LIMIT, PROJECT_ID } from '#http/schemas/terms.ts'

/** Who did what. */
export const auditRoute = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/audit',
      name: 'listAudit',
      summary: 'Who did what, newest first; kept for 400 days',
      scope: 'admin',
      query: z.strictObject({
        from: GIVEN_TIME.optional(),
        to: GIVEN_TIME.optional(),
        act: ACT.optional(),
        object: z.string().min(1).max(200).optional(),
        actor: z.string().min(1).max(200).optional(),
        project_id: PROJECT_ID.optional(),
        limit: LIMIT,
        cursor: CURSOR.optional(),
      }),
      answers: { 200: { description: 'One page', schema: AUDIT_PAGE } },
      problems: [404],
    },
    async ({ caller, query }) => {
      const { project_id, cursor, limit, ...filter } = query
      const entries = await listAudit(database, {
        ...filter,
        projectId: projectOf(caller, project_id),
        after: readCountCursor(cursor),
        limit: limit + 1,
      })
      const hasMore = entries.length > limit
      return {
        status: 200,
        body: countedPage(entries.slice(0, limit), { hasMore, view: entry => entry }),
      }
    },
  )
