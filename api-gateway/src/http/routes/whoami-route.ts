import { type Route, route } from '#http/routes/route.ts'
import { WHOAMI } from '#http/schemas/people-schemas.ts'
import { whoView } from '#http/who-view.ts'

/** Who asks, and what that allows. */
export function whoamiRoute(): Route {
  return route(
    {
      method: 'get',
      path: '/whoami',
      name: 'getWhoAmI',
      summary: 'Whose key or session this is, and what it may do',
      scope: null,
      answers: { 200: { description: 'The caller', schema: WHOAMI } },
    },
    async ({ caller }) => ({ status: 200, body: whoView(caller) }),
  )
}
