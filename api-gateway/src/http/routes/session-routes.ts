import { type Database, findSession, revokeSession } from '@telegram-backup/database'
import { callerOfSession, ownSession } from '@telegram-backup/engine/access/caller.ts'
import { renewFactor, setPassword, signIn } from '@telegram-backup/engine/operations/sessions.ts'
import type { Request } from 'express'
import type { BrowserGuards } from '#http/browser-guards.ts'
import { inNameOf } from '#http/callers.ts'
import {
  assertOneCredential,
  clearSessionCookie,
  sessionCookieOf,
  setSessionCookie,
} from '#http/credentials.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { openRoute, type Route, route } from '#http/routes/route.ts'
import { GIVEN_PASSWORD, PERSON_WHO, SET_PASSWORD, SIGN_IN } from '#http/schemas/people-schemas.ts'
import type { SignInLimits } from '#http/sign-in-limits.ts'
import { whoView } from '#http/who-view.ts'

interface SignInParts {
  guards: BrowserGuards
  limits: SignInLimits
}

/** The session of a browser: signing in and out, and proving again who one is. */
export function sessionRoutes(ports: HttpPorts, parts: SignInParts): Route[] {
  return [begin(ports, parts), end(ports), factor(ports, parts), password(ports, parts)]
}

const begin = ({ database }: HttpPorts, { guards, limits }: SignInParts): Route =>
  openRoute(
    {
      method: 'post',
      path: '/session',
      name: 'signIn',
      summary: 'Sign in with name and password, or with a one-time link; the answer sets a cookie',
      body: SIGN_IN,
      answers: {
        200: {
          description: 'As GET /whoami',
          schema: PERSON_WHO,
          headers: { 'Set-Cookie': 'The session, for this browser alone' },
        },
      },
    },
    request => {
      guards.assertOwnHost(request)
      guards.assertSameOrigin(request)
      guards.assertPrivateWay(request)
      assertOneCredential(request, sessionCookieOf(request))
    },
    async ({ body, request, response }) => {
      const attempt = await limits.begin(request, response, 'name' in body ? { name: body.name } : undefined)
      const browser = { userAgent: request.get('User-Agent'), address: request.ip }
      const signedIn = await attempt.of(() =>
        limits.inTurn(response, () =>
          signIn(database, body, { ...browser, refused: () => limits.mayRecord() }),
        ),
      )
      await endEarlier(database, request)
      setSessionCookie(request, response, signedIn.secret)
      return { status: 200, body: whoView(callerOfSession(signedIn)) }
    },
  )

const end = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/session',
      name: 'signOut',
      summary: 'Sign out: the session ends',
      scope: null,
      answers: { 204: { description: 'The session has ended' } },
    },
    async ({ caller, request, response }) => {
      await revokeSession(inNameOf(caller, database), ownSession(caller).id)
      clearSessionCookie(request, response)
      return { status: 204 }
    },
  )

const factor = ({ database }: HttpPorts, { guards, limits }: SignInParts): Route =>
  route(
    {
      method: 'post',
      path: '/session/factor',
      name: 'renewFactor',
      summary: 'Give the password again: for five minutes, acts are allowed that need a factor',
      scope: null,
      body: GIVEN_PASSWORD,
      answers: { 200: { description: 'As GET /whoami', schema: PERSON_WHO } },
      problems: [409],
    },
    async ({ caller, body, request, response }) => {
      const { id: session } = ownSession(caller)
      guards.assertPrivateWay(request)
      const attempt = await limits.begin(request, response, { session })
      const after = await attempt.of(() =>
        limits.inTurn(response, () => renewFactor(inNameOf(caller, database), caller, body.password)),
      )
      return { status: 200, body: whoView(callerOfSession(after)) }
    },
  )

const password = ({ database }: HttpPorts, { guards, limits }: SignInParts): Route =>
  route(
    {
      method: 'post',
      path: '/session/password',
      name: 'setPassword',
      summary: 'Set your password; your other sessions end',
      scope: null,
      needsFactor: true,
      body: SET_PASSWORD,
      answers: { 200: { description: 'As GET /whoami', schema: PERSON_WHO } },
    },
    async ({ caller, body, request, response }) => {
      guards.assertPrivateWay(request)
      const after = await limits.inTurn(response, () =>
        setPassword(inNameOf(caller, database), caller, body.password),
      )
      return { status: 200, body: whoView(callerOfSession(after)) }
    },
  )

/** The session that the browser had: whoever signs in never goes on with one that may be another’s. */
async function endEarlier(database: Database, request: Request): Promise<void> {
  const cookie = sessionCookieOf(request)
  const earlier = cookie === undefined ? null : await findSession(database, cookie)
  if (earlier === null) return
  await revokeSession(inNameOf(callerOfSession(earlier), database), earlier.session.id)
}
