import { listAudit } from '@telegram-backup/database'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Answering, Authenticator } from '#test/http/authenticator.ts'
import { Browser, signedIn } from '#test/http/browser.ts'
import { openTestService, type TestService } from '#test/http/http-service.ts'

let service: TestService
let count = 0
beforeAll(async () => {
  // Behind a proxy, so that each browser has an address of its own: one has ten wrong tries a minute.
  service = await openTestService({ trust_proxy: 1, hosts: ['backup.example'] })
})
afterAll(() => service.close())
beforeEach(() => {
  count += 1
})

const SITE = { rpId: 'backup.example', origin: 'https://backup.example' }

/** The service as a browser at {@link SITE} asks it. */
const here = (): TestService => ({
  ...service,
  ask: (path, options = {}) =>
    service.ask(path, {
      ...options,
      headers: {
        ...{ 'X-Forwarded-Host': SITE.rpId, 'X-Forwarded-Proto': 'https' },
        ...{ 'X-Forwarded-For': `192.0.2.${count}`, ...options.headers },
      },
    }),
})

const person = (name: string) => signedIn(here(), { name: `${name} ${count}`, role: 'viewer' })

async function challengeFor(browser: Browser, path = '/session/challenge'): Promise<string> {
  const answer = await browser.ask(path, { method: 'POST' })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { challenge: string }).challenge
}

async function add(browser: Browser, device: Authenticator, wrong: Partial<Answering> = {}): Promise<number> {
  const challenge = await challengeFor(browser, '/passkeys/challenge')
  const passkey = device.made({ ...SITE, challenge, ...wrong })
  return await browser.status('/passkeys', { json: { name: 'phone', passkey } })
}

/** Signs in, in another browser. */
async function enter(device: Authenticator, wrong: Partial<Answering> = {}): Promise<number> {
  const browser = new Browser(here())
  const challenge = await challengeFor(browser)
  return await browser.signIn({ passkey: device.used({ ...SITE, challenge, ...wrong }) })
}

it('signs in whose it is, until it is removed, and the audit says so', async () => {
  const [ann, device] = [await person('ann'), new Authenticator()]
  expect(await add(ann, device)).toBe(201)
  expect(await enter(device)).toBe(200)
  const acts = (await listAudit(service.database, { object: ann.id, limit: 2 })).map(({ act }) => act)
  expect(acts).toEqual(['session.begin', 'passkey.add'])
  const { items } = (await (await ann.ask('/passkeys')).json()) as { items: { id: string }[] }
  expect(await ann.status(`/passkeys/${items[0]?.id}`, { method: 'DELETE' })).toBe(204)
  expect(await enter(device)).toBe(401)
})

it.each<[string, Partial<Answering>]>([
  ['of another site', { origin: 'https://evil.example' }],
  ['of another port', { origin: 'https://backup.example:8443' }],
  ['for another name', { rpId: 'evil.example' }],
  ['to nothing that was asked', { challenge: Buffer.alloc(32).toString('base64url') }],
  ['of a device that does not know its owner', { isVerified: false }],
  ['to the other question', { type: 'webauthn.payment' }],
])('an answer %s neither signs in nor adds one', async (_, wrong) => {
  const [ann, device] = [await person('ann'), new Authenticator()]
  expect(await add(ann, new Authenticator(), wrong)).toBe(400)
  expect(await add(ann, device)).toBe(201)
  expect(await enter(device, wrong)).toBe(401)
  expect(await enter(device)).toBe(200)
})

it('an answer works once, within five minutes, and for what was asked', async () => {
  const [ann, device, browser] = [await person('ann'), new Authenticator(), new Browser(here())]
  expect(await add(ann, device)).toBe(201)
  const challenge = await challengeFor(browser)
  const passkey = device.used({ ...SITE, challenge })
  const tries = await Promise.all(Array.from({ length: 5 }, () => new Browser(here()).signIn({ passkey })))
  expect(tries.sort()).toEqual([200, 401, 401, 401, 401])
  const late = await challengeFor(browser)
  await sql`update control_plane.sign_in_challenges set expires_at = clock_timestamp()`.execute(
    service.database.kysely,
  )
  expect(await enter(device, { challenge: late })).toBe(401)
  expect(await enter(device, { challenge: await challengeFor(ann, '/passkeys/challenge') })).toBe(401)
  expect(await add(ann, new Authenticator(), { challenge: await challengeFor(browser) })).toBe(400)
})

it('nobody adds one by the question of another, takes over one of another, or proves with it who they are', async () => {
  const [ann, eve, device] = [await person('ann'), await person('eve'), new Authenticator()]
  const ofAnn = await challengeFor(ann, '/passkeys/challenge')
  expect(await add(eve, new Authenticator(), { challenge: ofAnn })).toBe(400)
  expect(await add(ann, device)).toBe(201)
  expect(await add(eve, device)).toBe(409)
  const again = async (browser: Browser): Promise<number> => {
    const passkey = device.used({ ...SITE, challenge: await challengeFor(browser) })
    return await browser.status('/session/factor', { json: { passkey } })
  }
  expect([await again(eve), await again(ann)]).toEqual([403, 200])
  const { items } = (await (await ann.ask('/passkeys')).json()) as { items: { id: string }[] }
  expect(await eve.status(`/passkeys/${items[0]?.id}`, { method: 'DELETE' })).toBe(404)
})

it('a copy is noticed by its counter, and another key under the same id is no passkey', async () => {
  const [ann, device] = [await person('ann'), new Authenticator()]
  expect(await add(ann, device, { counter: 1 })).toBe(201)
  expect(await enter(device, { counter: 5 })).toBe(200)
  for (const counter of [5, 4, 0]) expect(await enter(device, { counter })).toBe(401)
  expect(await enter(device, { counter: 6 })).toBe(200)
  const forged = Object.assign(new Authenticator(), { id: device.id })
  expect(await enter(forged, { counter: 7 })).toBe(401)
})

it('needs the factor to be added and removed, and a name in the address', async () => {
  const [ann, device] = [await person('ann'), new Authenticator()]
  expect(await add(ann, device)).toBe(201)
  await sql`update control_plane.sessions set factor_at = factor_at - interval '6 minutes'`.execute(
    service.database.kysely,
  )
  for (const [method, path] of [
    ['POST', '/passkeys/challenge'],
    ['POST', '/passkeys'],
    ['DELETE', `/passkeys/${ann.id}`],
  ] as const)
    expect(await ann.status(path, { method }), path).toBe(403)
  const literal = { method: 'POST', headers: { 'X-Forwarded-Host': '192.0.2.1' } }
  expect(await new Browser(here()).status('/session/challenge', literal)).toBe(400)
})
