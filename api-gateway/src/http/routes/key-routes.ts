import { API_SCOPES, type ApiKey, getApiKey, pageApiKeys, revokeApiKey } from '@telegram-backup/database'
import { makeKey } from '@telegram-backup/engine/operations/keys.ts'
import { parseExpiry } from '@telegram-backup/engine/units/quantities.ts'
import { z } from 'zod'
import { assertSees, found, inNameOf, notFound } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { page, readCursor } from '#http/schemas/cursor.ts'
import { KEY_PAGE, NEW_KEY } from '#http/schemas/operator-schemas.ts'
import { CURSOR, LIMIT, PROJECT_ID } from '#http/schemas/terms.ts'

/** The keys of this API. A key that is limited to a project sees, makes and revokes keys of that project. */
export function keyRoutes(ports: HttpPorts): Route[] {
  return [list(ports), create(ports), revoke(ports)]
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/keys',
      name: 'listKeys',
      summary: 'The keys, newest first, also revoked and expired ones; never the keys themselves',
      scope: 'admin',
      query: z.strictObject({ limit: LIMIT, cursor: CURSOR.optional() }),
      answers: { 200: { description: 'One page', schema: KEY_PAGE } },
    },
    async ({ caller, query: { limit, cursor } }) => {
      const projectId = caller.project_id ?? undefined
      const keys = await pageApiKeys(database, { projectId, after: readCursor(cursor), limit: limit + 1 })
      const view = (key: ApiKey): ApiKey => key
      return { status: 200, body: page(keys.slice(0, limit), { hasMore: keys.length > limit, view }) }
    },
  )

const create = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'post',
      path: '/keys',
      name: 'createKey',
      needsFactor: true,
      summary: 'Make a key, which is shown once; it may do no more, and live no longer, than who asks',
      scope: 'admin',
      body: z.strictObject({
        name: z
          .string()
          .max(100)
          .regex(/^[^\p{C}]+$/u, 'a name has 1 to 100 characters that can be seen'),
        scopes: z.array(z.enum(API_SCOPES)).min(1).max(API_SCOPES.length),
        project_id: PROJECT_ID.optional(),
        expires: z.string().min(1).max(40).optional().meta({
          description: '12h, 90d or 52w from now, or a date such as 2027-01-31; never, if left out.',
        }),
      }),
      answers: { 201: { description: 'The key', schema: NEW_KEY } },
      problems: [404, 409],
    },
    async ({ caller, body: { name, scopes, project_id, expires } }) => {
      assertSees(caller, project_id)
      const expiresAt = expires === undefined ? undefined : parseExpiry(expires)
      const request = { name, scopes, projectId: project_id, expiresAt }
      const { apiKey, key } = await makeKey(inNameOf(caller, database), caller, request)
      return { status: 201, body: { ...apiKey, key } }
    },
  )

const revoke = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/keys/{id}',
      name: 'revokeKey',
      needsFactor: true,
      summary: 'Revoke a key: from now on it is refused; it stays in the list',
      scope: 'admin',
      answers: { 204: { description: 'The key is revoked' } },
      problems: [404],
    },
    async ({ caller, id }) => {
      const key = found<ApiKey>(caller, await getApiKey(database, id), 'key')
      if (!(await revokeApiKey(inNameOf(caller, database), key.id))) throw notFound('key')
      return { status: 204 }
    },
  )
