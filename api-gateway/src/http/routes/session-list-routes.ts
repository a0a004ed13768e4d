import {
  getPerson,
  getSession,
  type ListedSession,
  pageSessions,
  revokeSession,
  revokeSessionsOf,
} from '@telegram-backup/database'
import { assertRecentFactor, hasScope } from '@telegram-backup/engine/access/caller.ts'
import { z } from 'zod'
import { found, inNameOf, notFound } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { page, readCursor } from '#http/schemas/cursor.ts'
import { ENDED_SESSIONS, SESSION_PAGE } from '#http/schemas/people-schemas.ts'
import { CURSOR, LIMIT, UUID } from '#http/schemas/terms.ts'

/** Who is signed in, and where. Everybody sees and ends their own sessions; those of others need `admin`. */
export function sessionListRoutes(ports: HttpPorts): Route[] {
  return [list(ports), endAll(ports), endOne(ports)]
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/sessions',
      name: 'listSessions',
      summary: 'The sessions that can be used, newest first; without the scope admin, your own ones',
      scope: 'admin',
      isForOwn: true,
      query: z.strictObject({ person_id: UUID.optional(), limit: LIMIT, cursor: CURSOR.optional() }),
      answers: { 200: { description: 'One page', schema: SESSION_PAGE } },
    },
    async ({ caller, query: { person_id, limit, cursor } }) => {
      const sessions = await pageSessions(database, {
        personId: hasScope(caller, 'admin') ? person_id : caller.id,
        projectId: caller.project_id ?? undefined,
        after: readCursor(cursor),
        limit: limit + 1,
      })
      const view = (session: ListedSession) => ({ ...session, is_own: session.id === caller.session?.id })
      return { status: 200, body: page(sessions.slice(0, limit), { hasMore: sessions.length > limit, view }) }
    },
  )

const endAll = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/sessions',
      name: 'endSessions',
      summary: 'End all sessions of a person but the one that asks; without person_id, your own ones',
      scope: 'admin',
      isForOwn: true,
      query: z.strictObject({ person_id: UUID.optional() }),
      answers: { 200: { description: 'How many have ended', schema: ENDED_SESSIONS } },
      problems: [404],
    },
    async ({ caller, query: { person_id = caller.id } }) => {
      if (!hasScope(caller, 'admin') && person_id !== caller.id) throw notFound('person')
      const person = found(caller, await getPerson(database, person_id), 'person')
      if (person.id !== caller.id) assertRecentFactor(caller)
      const ended = await revokeSessionsOf(inNameOf(caller, database), person, { but: caller.session?.id })
      return { status: 200, body: { ended } }
    },
  )

const endOne = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/sessions/{id}',
      name: 'endSession',
      summary: 'End a session; one of another person needs the scope admin',
      scope: 'admin',
      isForOwn: true,
      answers: { 204: { description: 'The session has ended' } },
      problems: [404],
    },
    async ({ caller, id }) => {
      const isAdmin = hasScope(caller, 'admin')
      const { person } = (await getSession(database, id)) ?? {}
      found(caller, person ?? null, 'session')
      if (person?.id !== caller.id) {
        if (!isAdmin) throw notFound('session')
        assertRecentFactor(caller)
      }
      if (!(await revokeSession(inNameOf(caller, database), id))) throw notFound('session')
      return { status: 204 }
    },
  )
