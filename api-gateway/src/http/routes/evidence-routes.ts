import { getEvidence, listEvidence } from '@telegram-backup/database'
import {
  evidenceDetails,
  evidenceSummary,
  reviewEvidence,
} from '@telegram-backup/engine/operations/evidence.ts'
import { EVIDENCE_POLICY, evidencePage } from '@telegram-backup/engine/proof/evidence-page.ts'
import { z } from 'zod'
import { found, inNameOf, projectOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { page, readCursor } from '#http/schemas/cursor.ts'
import { EVIDENCE_DETAILS, EVIDENCE_PAGE } from '#http/schemas/evidence-schemas.ts'
import { CURSOR, GIVEN_TIME, LIMIT, PROJECT_ID, UUID } from '#http/schemas/terms.ts'

/** Records of drills and of their reviews. */
export function evidenceRoutes(ports: HttpPorts): Route[] {
  return [list(ports), show(ports), review(ports)]
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/evidence',
      name: 'listEvidence',
      summary: 'Signed records of drills and of their reviews, newest first',
      scope: 'read',
      query: z.strictObject({
        project_id: PROJECT_ID.optional(),
        backup_id: UUID.optional(),
        kind: z.enum(['drill', 'review']).optional(),
        from: GIVEN_TIME.optional(),
        to: GIVEN_TIME.optional(),
        limit: LIMIT,
        cursor: CURSOR.optional(),
      }),
      answers: { 200: { description: 'One page', schema: EVIDENCE_PAGE } },
      problems: [404],
    },
    async ({ caller, query: { project_id, backup_id: backupId, cursor, limit, ...filter } }) => {
      const projectId = projectOf(caller, project_id)
      const place = readCursor(cursor)
      const after = place && { at: place.createdAt, id: place.id }
      const records = await listEvidence(database, {
        ...filter,
        projectId,
        backupId,
        after,
        limit: limit + 1,
      })
      const items = records.slice(0, limit).map(one => ({ ...one, created_at: one.at }))
      const view = ({ created_at: _, ...one }: (typeof items)[number]) => evidenceSummary(one)
      return { status: 200, body: page(items, { hasMore: records.length > limit, view }) }
    },
  )

const show = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/evidence/{id}',
      name: 'getEvidence',
      summary: 'One record, with its signed text; with Accept: text/html, of a drill, a page to print',
      scope: 'read',
      answers: { 200: { description: 'The record', schema: EVIDENCE_DETAILS, orAs: 'text/html' } },
      problems: [404],
    },
    async ({ caller, id, request, response }) => {
      const details = await evidenceDetails(
        database,
        found(caller, await getEvidence(database, id), 'evidence'),
      )
      const isPage = details.kind === 'drill' && request.accepts(['json', 'html']) === 'html'
      if (!isPage) return { status: 200, body: details, headers: { Vary: 'Accept' } }
      response.set({ 'Content-Security-Policy': EVIDENCE_POLICY, Vary: 'Accept' })
      response
        .status(200)
        .type('html')
        .send(evidencePage([details]))
      return undefined
    },
  )

const review = ({ database, engine }: HttpPorts): Route =>
  route(
    {
      method: 'post',
      path: '/evidence/{id}/review',
      name: 'reviewEvidence',
      summary: 'Add the review of a person, as a signed record of its own; it goes into the chat, too',
      scope: 'admin',
      body: z.strictObject({
        name: z.string().trim().min(1).max(200),
        note: z.string().trim().min(1).max(4_000),
      }),
      answers: { 201: { description: 'The record of the review', schema: EVIDENCE_DETAILS } },
      problems: [404],
    },
    async ({ caller, id, body }) => {
      const reviewed = found(caller, await getEvidence(database, id), 'evidence')
      const { config } = engine
      const record = await reviewEvidence(
        { config, database: inNameOf(caller, database) },
        { id: reviewed.id, ...body },
      )
      // The service sends it to the chat within a minute: the chat may make a request wait.
      return { status: 201, body: await evidenceDetails(database, record) }
    },
  )
