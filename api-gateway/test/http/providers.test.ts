import { listAudit, makeSignInLink, removePerson } from '@telegram-backup/database'
import type { OidcSettings } from '@telegram-backup/engine/config/oidc-settings.ts'
import { openProviders } from '@telegram-backup/engine/operations/oidc.ts'
import { type Flaw, startProvider, type TestProvider } from '@telegram-backup/test-support/oidc-provider.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { Authenticator } from '#test/http/authenticator.ts'
import { openTestService, type TestService } from '#test/http/http-service.ts'

let sso: TestProvider
let other: TestProvider
let service: TestService
let count = 0

const settingsOf = (name: string, { issuer, clientId, clientSecret }: TestProvider): OidcSettings => ({
  ...{ name, title: name, issuer, client_id: clientId, client_secret: clientSecret, scopes: 'openid groups' },
  roles: { claim: 'groups', values: { admins: 'admin', ops: 'operator', all: 'viewer' } },
})

beforeAll(async () => {
  sso = await startProvider()
  other = await startProvider({ hidesIssuer: true })
  // Behind a proxy, so that each test has an address of its own: one has ten wrong tries a minute.
  service = await openTestService(
    { trust_proxy: 1, hosts: ['backup.example'] },
    { providers: openProviders([settingsOf('sso', sso), settingsOf('other', other)]) },
  )
})
afterAll(async () => {
  await service.close()
  sso.close()
  other.close()
})
beforeEach(() => {
  count += 1
  sso.flaw = undefined
  sso.account = { sub: `account ${count}`, preferred_username: `ann${count}`, groups: ['all', 'ops'] }
})

/** A browser that has gone to a provider, and what it has come back with. */
interface Visitor {
  cookie: string
  /** The page to which the provider has sent it, with what stands behind `?`. */
  query: string
}

async function visit(provider = 'sso'): Promise<Visitor> {
  const answer = await post('/session/provider', {
    json: { provider, redirect_uri: `${ORIGIN}/tb/sign-in/${provider}` },
  })
  expect(answer.status).toBe(200)
  const { url } = (await answer.json()) as { url: string }
  const back = await fetch(url, { redirect: 'manual' })
  const { search } = new URL(back.headers.get('Location') ?? '')
  return { cookie: cookieOf(answer, '__Host-tb_provider'), query: search.slice(1) }
}

const enter = ({ cookie, query }: Visitor, provider = 'sso'): Promise<Response> =>
  post('/session', { json: { provider, query }, headers: { Cookie: cookie } })

const ORIGIN = 'https://backup.example'

const throughProxy = () => ({
  ...{ 'X-Forwarded-Host': 'backup.example', 'X-Forwarded-Proto': 'https' },
  'X-Forwarded-For': `192.0.2.${count}`,
})

const post = (path: string, options: { json: object; headers?: Record<string, string> }) =>
  service.ask(path, {
    ...options,
    headers: { ...throughProxy(), 'Sec-Fetch-Site': 'same-origin', ...options.headers },
  })

const whoamiWith = (cookie: string) =>
  service.ask('/whoami', { headers: { ...throughProxy(), Cookie: cookie } })

/** `NAME=VALUE` that an answer sets. */
const cookieOf = (answer: Response, name: string): string =>
  answer.headers
    .getSetCookie()
    .find(set => set.startsWith(`${name}=`))
    ?.split(';')[0] ?? ''

const whoIs = async (answer: Response) => (await answer.json()) as { who: string; id: string; role: string }

it('everybody is told where people can sign in, and nothing else of it', async () => {
  const answer = await service.ask('/session/providers', { headers: throughProxy() })
  expect(await answer.json()).toEqual({
    items: [
      { name: 'sso', title: 'sso' },
      { name: 'other', title: 'other' },
    ],
  })
})

it('an account with a role gets in, is the same person the next time, and its secrets are nowhere', async () => {
  const visitor = await visit()
  const answer = await enter(visitor)
  expect(answer.status).toBe(200)
  const who = await whoIs(answer)
  expect(who).toMatchObject({ who: `ann${count}@sso`, role: 'operator', factors: ['oidc'] })
  const session = cookieOf(answer, '__Host-tb_session')
  const whoami = await whoamiWith(session)
  expect(await whoami.json()).toMatchObject({ id: who.id, has_password: false })
  // Another name there, and another group: the same person.
  sso.account = { ...sso.account, preferred_username: 'admin', groups: 'admins' }
  const again = await whoIs(await enter(await visit()))
  expect(again).toMatchObject({ id: who.id, who: who.who, role: 'admin' })
  const visitSeen = sso.visits.at(-1)
  expect(visitSeen?.get('code_challenge_method')).toBe('S256')
  const { rows } = await sql<{ row: string }>`
    select to_jsonb(c)::text as row from control_plane.sign_in_challenges c union all
    select to_jsonb(a)::text from control_plane.audit a union all
    select to_jsonb(s)::text from control_plane.sessions s`.execute(service.database.kysely)
  const kept = [...rows.map(({ row }) => row), ...service.log].join('\n')
  const code = new URLSearchParams(visitor.query).get('code') ?? 'no code'
  for (const secret of [visitor.cookie.split('=')[1] ?? '', code, sso.clientSecret, visitSeen?.get('state')])
    expect(kept).not.toContain(secret)
})

it.each<Flaw>([
  ...(['another nonce', 'no nonce', 'another audience', 'another issuer'] as const),
  ...(['another key', 'expired', 'no signature'] as const),
  ...(['the secret of the client as its key', 'the public key as its secret'] as const),
])('an ID token with %s lets nobody in', async flaw => {
  sso.flaw = flaw
  const answer = await enter(await visit())
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([401, 'UNAUTHENTICATED'])
  expect(cookieOf(answer, '__Host-tb_session')).toBe('')
  sso.flaw = undefined
  // Right tries are not counted, and wrong ones by the minute.
  expect((await enter(await visit())).status).toBe(200)
})

it('an answer works once, in the browser that asked, and with the state that was given to it', async () => {
  const asked = await visit()
  const another = await visit()
  const wrong = new URLSearchParams(asked.query)
  wrong.set('state', 'guessed')
  expect((await enter({ ...asked, query: wrong.toString() })).status).toBe(401)
  // Login CSRF: the attacker’s answer in the browser of the victim, with and without a cookie of its own.
  expect((await enter({ query: asked.query, cookie: another.cookie })).status).toBe(401)
  expect((await enter({ ...(await visit()), cookie: '' })).status).toBe(401)
  expect((await enter(another)).status).toBe(200)
  expect((await enter(another)).status).toBe(401)
})

it('the answer of one provider is not taken for that of another', async () => {
  other.account = { sub: sso.account.sub ?? '', groups: ['admins'] }
  expect((await enter(await visit('other'), 'sso')).status).toBe(401)
  const mixed = await visit()
  const query = new URLSearchParams(mixed.query)
  query.set('iss', other.issuer)
  expect((await enter({ ...mixed, query: query.toString() })).status).toBe(401)
  // The same subject at another issuer is somebody else.
  const one = await whoIs(await enter(await visit()))
  const two = await whoIs(await enter(await visit('other'), 'other'))
  expect(two.id).not.toBe(one.id)
})

it('who has no role gets nothing, loses a session, and the audit says so', async () => {
  const first = await enter(await visit())
  const { id } = await whoIs(first)
  sso.account = { ...sso.account, groups: ['guests', 'constructor'], roles: ['admins'] }
  const refused = await enter(await visit())
  const problem = (await refused.json()) as { code: string; detail: string }
  expect([refused.status, problem.code]).toEqual([403, 'FORBIDDEN'])
  expect(problem.detail).toBe('Your account at sso has no role here')
  const before = await whoamiWith(cookieOf(first, '__Host-tb_session'))
  expect(before.status).toBe(401)
  const [entry] = await listAudit(service.database, { object: id, limit: 1 })
  expect(entry).toMatchObject({
    act: 'session.refuse',
    details: { provider: 'sso', reason: 'without role' },
  })
})

it('who is let in by a provider has no other way in, which would outlast the account there', async () => {
  const answer = await enter(await visit())
  const { id } = await whoIs(answer)
  const Cookie = cookieOf(answer, '__Host-tb_session')
  const json = { password: 'correct horse battery' }
  const refused = await post('/session/password', { json, headers: { Cookie } })
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([409, 'CONFLICT'])
  // An administrator may let them in while the provider is down; the link is not used up by a password.
  const link = (await makeSignInLink(service.database, id))?.secret ?? ''
  expect((await post('/session', { json: { link, ...json } })).status).toBe(409)
  expect((await post('/session', { json: { link } })).status).toBe(200)
  // A passkey proves once more who they are, and does not sign in.
  const site = { rpId: 'backup.example', origin: ORIGIN }
  const device = new Authenticator()
  const asked = async (path: string): Promise<string> => {
    const question = await post(path, { json: {}, headers: { Cookie } })
    return ((await question.json()) as { challenge: string }).challenge
  }
  const passkey = device.made({ ...site, challenge: await asked('/passkeys/challenge') })
  expect((await post('/passkeys', { json: { name: 'x', passkey }, headers: { Cookie } })).status).toBe(201)
  const used = async () => ({
    json: { passkey: device.used({ ...site, challenge: await asked('/session/challenge') }) },
  })
  expect((await post('/session/factor', { ...(await used()), headers: { Cookie } })).status).toBe(200)
  expect((await post('/session', await used())).status).toBe(409)
})

it('a removed person stays removed', async () => {
  const { id } = await whoIs(await enter(await visit()))
  await removePerson(service.database, id)
  sso.account = { ...sso.account, groups: ['admins'] }
  const refused = await enter(await visit())
  expect([refused.status, ((await refused.json()) as { detail: string }).detail]).toEqual([
    ...[403, 'You were removed here, and cannot sign in any longer'],
  ])
})

it('sends nobody back to another place, and begins for the page alone', async () => {
  const url = ORIGIN
  for (const redirect of [
    ...['https://evil.example/sign-in/sso', `${url}/sign-in/other`, `${url}/sign-in/sso?x=1`],
    ...[`${url}/sign-in/sso#x`, 'sign-in/sso', 'javascript:/sign-in/sso'],
  ]) {
    const json = { provider: 'sso', redirect_uri: redirect }
    expect((await post('/session/provider', { json })).status).toBe(400)
  }
  const json = { provider: 'sso', redirect_uri: `${url}/sign-in/sso` }
  const headers = { 'Sec-Fetch-Site': 'cross-site' }
  expect((await post('/session/provider', { json, headers })).status).toBe(403)
  const unknown = { provider: 'nobody', redirect_uri: `${url}/sign-in/nobody` }
  expect((await post('/session/provider', { json: unknown })).status).toBe(404)
})
