import type { ApiScope } from '@telegram-backup/database'
import { type Route, route } from '#http/routes/route.ts'
import { WHOAMI } from '#http/schemas/whoami-schema.ts'

/** The role that a scope makes, the highest first. */
const ROLES: readonly (readonly [ApiScope, string])[] = [
  ['admin', 'admin'],
  ['restore', 'restorer'],
  ['backup', 'operator'],
  ['read', 'viewer'],
]

/** Who asks, and what that allows. */
export function whoamiRoute(): Route {
  return route(
    {
      method: 'get',
      path: '/whoami',
      name: 'getWhoAmI',
      summary: 'Whose key this is, and what it may do',
      scope: null,
      answers: { 200: { description: 'The caller', schema: WHOAMI } },
    },
    async ({ caller: { name, scopes, project_id, created_at } }) => ({
      status: 200,
      body: {
        who: name,
        kind: 'key',
        role: ROLES.find(([scope]) => scopes.includes(scope))?.[1] ?? null,
        scopes,
        projects: project_id === null ? null : [project_id],
        since: created_at,
        factors: ['key'],
      },
    }),
  )
}
