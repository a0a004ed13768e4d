import { type Database, findSession, type NewSession, revokeSession } from '@telegram-backup/database'
import { callerOfSession, ownSession } from '@telegram-backup/engine/access/caller.ts'
import { signInFromProvider } from '@telegram-backup/engine/operations/oidc.ts'
import { renewFactorWithPasskey, signInWithPasskey } from '@telegram-backup/engine/operations/passkeys.ts'
import {
  describeLink,
  renewFactor,
  setPassword,
  signIn,
} from '@telegram-backup/engine/operations/sessions.ts'
import { describeError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { type BrowserGuards, passkeySiteOf } from '#http/browser-guards.ts'
import { inNameOf } from '#http/callers.ts'
import {
  clearProviderCookie,
  clearSessionCookie,
  providerCookieOf,
  sessionCookieOf,
  setSessionCookie,
} from '#http/credentials.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { openRoute, type Route, route } from '#http/routes/route.ts'
import {
  type AnyCredentials,
  ASKED_LINK,
  ASKED_LINK_IS,
  GIVEN_FACTOR,
  PERSON_WHO,
  SET_PASSWORD,
  SIGN_IN,
} from '#http/schemas/people-schemas.ts'
import type { SignInLimits } from '#http/sign-in-limits.ts'
import { whoView } from '#http/who-view.ts'

export interface SignInParts {
  guards: BrowserGuards
  limits: SignInLimits
}

/** The session of a browser: signing in and out, and proving again who one is. */
export function sessionRoutes(ports: HttpPorts, parts: SignInParts): Route[] {
  return [begin(ports, parts), link(ports, parts), end(ports), factor(ports, parts), password(ports, parts)]
}

const begin = (ports: HttpPorts, { guards, limits }: SignInParts): Route =>
  openRoute(
    {
      method: 'post',
      path: '/session',
      name: 'signIn',
      summary:
        'Sign in with name and password, a one-time link, a passkey or a provider; the answer sets a cookie',
      body: SIGN_IN,
      answers: {
        200: {
          description: 'As GET /whoami',
          schema: PERSON_WHO,
          headers: { 'Set-Cookie': 'The session, for this browser alone' },
        },
      },
      problems: [409],
    },
    request => assertFromPage(guards, request),
    async ({ body, request, response }) => {
      const attempt = await limits.begin(request, response, 'name' in body ? { name: body.name } : undefined)
      const signedIn = await attempt.of(() => signInWith(body, { ports, limits, request, response }))
      await endEarlier(ports.database, request)
      setSessionCookie(request, response, signedIn.secret)
      return { status: 200, body: whoView(callerOfSession(signedIn)) }
    },
  )

/** A wrong link counts as a wrong try to sign in, so that this helps nobody to guess. */
const link = ({ database }: HttpPorts, { guards, limits }: SignInParts): Route =>
  openRoute(
    {
      method: 'post',
      path: '/session/link',
      name: 'describeLink',
      summary: 'Whom a one-time link signs in, and until when; uses nothing up',
      body: ASKED_LINK,
      answers: { 200: { description: 'Whether it can be used, and by whom', schema: ASKED_LINK_IS } },
    },
    request => assertFromPage(guards, request),
    async ({ body, request, response }) => {
      const attempt = await limits.begin(request, response, undefined)
      const good = await attempt
        .of(() => describeLink(database, body.link))
        .catch((error: unknown) => {
          if (describeError(error).code === 'UNAUTHENTICATED') return null
          throw error
        })
      const { name = null, role = null, expires_at = null } = good ?? {}
      return { status: 200, body: { is_usable: good !== null, name, role, expires_at } }
    },
  )

/** Only the page of this service begins a session or asks how, in no way that others can read. */
export function assertFromPage(guards: BrowserGuards, request: Request): void {
  guards.assertOwnHost(request)
  guards.assertSameOrigin(request)
  guards.assertPrivateWay(request)
}

async function signInWith(
  given: AnyCredentials,
  of: { ports: HttpPorts; limits: SignInLimits; request: Request; response: Response },
): Promise<NewSession> {
  const { limits, request, response } = of
  const { database, providers = new Map(), log } = of.ports
  const browser = { userAgent: request.get('User-Agent'), address: request.ip }
  const refused = () => limits.mayRecord()
  if ('passkey' in given) {
    const site = passkeySiteOf(request)
    return await signInWithPasskey(database, { answer: given.passkey, site }, { ...browser, refused })
  }
  if ('provider' in given) {
    const secret = providerCookieOf(request)
    clearProviderCookie(request, response)
    return await signInFromProvider(database, providers, {
      ...{ ...given, secret, browser, refused },
      onFault: error => log.warn({ error, provider: given.provider }, 'the answer of a provider was refused'),
    })
  }
  return await limits.inTurn(response, () => signIn(database, given, { ...browser, refused }))
}

const end = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/session',
      name: 'signOut',
      summary: 'Sign out: the session ends',
      scope: 'session',
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
      summary:
        'Give the password again, or use a passkey: for five minutes, acts are allowed that need a factor',
      scope: 'session',
      body: GIVEN_FACTOR,
      answers: { 200: { description: 'As GET /whoami', schema: PERSON_WHO } },
      problems: [409],
    },
    async ({ caller, body, request, response }) => {
      const { id: session } = ownSession(caller)
      guards.assertPrivateWay(request)
      const attempt = await limits.begin(request, response, { session })
      const after = await attempt.of(() =>
        'passkey' in body
          ? renewFactorWithPasskey(inNameOf(caller, database), caller, {
              ...{ answer: body.passkey, site: passkeySiteOf(request) },
            })
          : limits.inTurn(response, () => renewFactor(inNameOf(caller, database), caller, body.password)),
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
      scope: 'session',
      needsFactor: true,
      body: SET_PASSWORD,
      answers: { 200: { description: 'As GET /whoami', schema: PERSON_WHO } },
      problems: [409],
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
