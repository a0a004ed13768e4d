import { listAudit } from '@telegram-backup/database'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Browser, invite, PASSWORD, signedIn } from '#test/http/browser.ts'
import { openTestService, type TestService } from '#test/http/http-service.ts'

let service: TestService
/** One each: an address has ten wrong tries a minute. */
const withService = (): void => {
  beforeAll(async () => {
    service = await openTestService()
  })
  afterAll(() => service.close())
}

let name = ''
let count = 0
beforeEach(() => {
  count += 1
  name = `Ann ${count}`
})

const acts = async (object: string) =>
  (await listAudit(service.database, { object, limit: 50 })).map(({ act, actor }) => [act, actor])

describe('a look at a link', () => {
  withService()

  it('says whom the link signs in and until when, and uses nothing up; guesses are bounded', async () => {
    const { link } = await invite(service, { name, role: 'viewer' })
    const browser = new Browser(service)
    const look = async (of: string) =>
      (await (await browser.ask('/session/link', { json: { link: of } })).json()) as Record<string, unknown>
    const { expires_at, ...whom } = await look(link.secret)
    expect(whom).toEqual({ is_usable: true, name, role: 'viewer' })
    expect(Date.parse(String(expires_at)) - Date.now()).toBeGreaterThan(14 * 60_000)
    const nobody = { is_usable: false, name: null, role: null, expires_at: null }
    expect(await look(`${link.secret}x`)).toEqual(nobody)
    expect(await browser.signIn({ link: link.secret })).toBe(200)
    expect(await look(link.secret)).toEqual(nobody)
    const statuses = []
    for (let guess = 0; guess < 12; guess += 1) statuses.push((await look(`tbl_${guess}`))['status'])
    expect(statuses.at(-1)).toBe(429)
  })
})

describe('a link', () => {
  withService()

  it('signs in once, sets the password, and leaves the token nowhere', async () => {
    const { id, link } = await invite(service, { name, role: 'operator', projectId: 'shop' })
    expect(link.secret).toMatch(/^tbl_[A-Za-z0-9_-]{43}$/)
    const browser = new Browser(service)
    const answer = await browser.ask('/session', { json: { link: link.secret, password: PASSWORD } })
    expect(answer.status).toBe(200)
    const [cookie = ''] = answer.headers.getSetCookie()
    expect(cookie).toMatch(
      /^tb_session=tbs_[A-Za-z0-9_-]{43}; Max-Age=604800; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    )
    const who = await (await browser.ask('/whoami')).json()
    expect(who).toMatchObject({ who: name, kind: 'person', id, role: 'operator', projects: ['shop'] })
    expect(who).toMatchObject({ scopes: ['read', 'backup'], factors: ['link'], has_password: true })
    expect(await answer.json()).toEqual(who)
    expect(await new Browser(service).signIn({ link: link.secret })).toBe(401)
    expect(await new Browser(service).signIn({ name: name.toUpperCase(), password: PASSWORD })).toBe(200)
    const secrets = [link.secret, cookie.slice(11, 58), PASSWORD]
    const { rows } = await sql<{ row: string }>`
      select to_jsonb(p)::text as row from control_plane.people p union all
      select to_jsonb(l)::text from control_plane.sign_in_links l union all
      select to_jsonb(s)::text from control_plane.sessions s union all
      select to_jsonb(a)::text from control_plane.audit a`.execute(service.database.kysely)
    const kept = [...rows.map(({ row }) => row), ...service.log].join('\n')
    for (const secret of secrets) expect(kept).not.toContain(secret)
    expect(kept).toContain('$argon2id$v=19$m=47104,t=1,p=1$')
    expect((await acts(id)).reverse().map(([act]) => act)).toEqual([
      ...['person.create', 'person.link', 'person.password', 'session.begin', 'session.begin'],
    ])
  })

  it('lets one of two racing visitors in, and the other gets nothing', async () => {
    const { link } = await invite(service, { name, role: 'admin' })
    const browsers = Array.from({ length: 4 }, () => new Browser(service))
    const tries = browsers.map((browser, n) =>
      browser.signIn({ link: link.secret, ...(n % 2 === 0 ? {} : { password: `${PASSWORD} ${n}` }) }),
    )
    expect((await Promise.all(tries)).sort()).toEqual([200, 401, 401, 401])
    expect(browsers.filter(({ cookie }) => cookie !== undefined)).toHaveLength(1)
  })

  it('ends when a new one is made, after a quarter of an hour, and with its person', async () => {
    const { id, link } = await invite(service, { name, role: 'viewer' })
    const admin = await service.key(['admin'])
    const made = await service.ask(`/people/${id}/link`, { key: admin, method: 'POST' })
    const { token, url } = ((await made.json()) as { link: { token: string; url: string } }).link
    expect(url).toBe(`${service.server.url}/link#${token}`)
    expect(await new Browser(service).signIn({ link: link.secret })).toBe(401)
    await sql`update control_plane.sign_in_links set expires_at = clock_timestamp() where person_id = ${id}::uuid`.execute(
      service.database.kysely,
    )
    expect(await new Browser(service).signIn({ link: token })).toBe(401)
    const again = await service.ask(`/people/${id}/link`, { key: admin, method: 'POST' })
    expect((await service.ask(`/people/${id}`, { key: admin, method: 'DELETE' })).status).toBe(204)
    const third = ((await again.json()) as { link: { token: string } }).link.token
    expect(await new Browser(service).signIn({ link: third })).toBe(401)
  })

  it('is not used up by a password that cannot be set, or by looking at it', async () => {
    const { link } = await invite(service, { name, role: 'viewer' })
    const browser = new Browser(service)
    for (const password of ['too short', 'é'.repeat(600), 12, ''])
      expect(await browser.signIn({ link: link.secret, password })).toBe(400)
    await browser.ask(`//link?x=${link.secret}`)
    expect(await browser.signIn({ link: link.secret })).toBe(200)
  })
})

describe('a password', () => {
  withService()

  it('is refused in the same words, with the same work, for an unknown name', async () => {
    await signedIn(service, { name, role: 'viewer' })
    const refusal = async (json: object): Promise<string> => {
      const answer = await new Browser(service).ask('/session', { json })
      expect(answer.status).toBe(401)
      expect(answer.headers.getSetCookie()).toEqual([])
      return JSON.stringify({ ...((await answer.json()) as object), instance: '' })
    }
    const wrong = await refusal({ name, password: 'not the right one' })
    expect(await refusal({ name: 'nobody at all', password: PASSWORD })).toBe(wrong)
    // Without a password, nobody can sign in with one.
    await invite(service, { name: `${name} b`, role: 'admin' })
    expect(await refusal({ name: `${name} b`, password: PASSWORD })).toBe(wrong)
  })

  it('that is changed ends all other sessions, and is asked for again after five minutes', async () => {
    const browser = await signedIn(service, { name, role: 'viewer' })
    const other = new Browser(service)
    expect(await other.signIn({ name, password: PASSWORD })).toBe(200)
    const set = { json: { password: 'another long password' } }
    await grow(browser.id, '6 minutes')
    const late = await browser.ask('/session/password', set)
    expect([late.status, ((await late.json()) as { code: string }).code]).toEqual([403, 'FACTOR_NEEDED'])
    expect(await browser.status('/session/factor', { json: { password: 'a wrong password' } })).toBe(403)
    expect(await browser.status('/session/password', set)).toBe(403)
    const renewed = await browser.ask('/session/factor', { json: { password: PASSWORD } })
    expect(await renewed.json()).toMatchObject({ factors: ['link', 'password'] })
    expect(await browser.status('/session/password', set)).toBe(200)
    expect([await browser.status('/whoami'), await other.status('/whoami')]).toEqual([200, 401])
    expect(await other.signIn({ name, password: PASSWORD })).toBe(401)
    expect(await other.signIn({ name, password: 'another long password' })).toBe(200)
  })
})

/** Lets time pass for the sessions of a person. */
async function grow(personId: string, by: string): Promise<void> {
  await sql`update control_plane.sessions
               set created_at = created_at - ${by}::interval, factor_at = factor_at - ${by}::interval,
                   last_used_at = last_used_at - ${by}::interval, expires_at = expires_at - ${by}::interval
             where person_id = ${personId}::uuid`.execute(service.database.kysely)
}

describe('a session', () => {
  withService()

  it('ends after twelve hours without use, after seven days, and when its person signs out', async () => {
    const browser = await signedIn(service, { name, role: 'viewer' })
    await grow(browser.id, '11 hours')
    expect(await browser.status('/whoami')).toBe(200)
    await grow(browser.id, '11 hours')
    expect(await browser.status('/whoami')).toBe(200)
    await grow(browser.id, '13 hours')
    const { cookie } = browser
    expect(await browser.status('/whoami')).toBe(401)
    // The browser was told to forget it.
    expect(browser.cookie).toBeUndefined()
    expect(cookie).toBeDefined()
    await browser.signIn({ name, password: PASSWORD })
    for (let day = 0; day < 15; day++) {
      await grow(browser.id, '11 hours')
      expect(await browser.status('/whoami')).toBe(200)
    }
    await grow(browser.id, '4 hours')
    expect(await browser.status('/whoami')).toBe(401)
    await browser.signIn({ name, password: PASSWORD })
    const kept = browser.cookie ?? ''
    expect(await browser.status('/session', { method: 'DELETE' })).toBe(204)
    expect(browser.cookie).toBeUndefined()
    expect(await browser.status('/whoami', { headers: { Cookie: kept } })).toBe(401)
  })

  it('is not kept alive by a tab that nobody looks at, or by its stream', async () => {
    const browser = await signedIn(service, { name, role: 'viewer' })
    await grow(browser.id, '11 hours')
    expect(await browser.status('/backups', { headers: { 'X-Unattended': '1' } })).toBe(200)
    expect(await browser.status('/events')).toBe(200)
    await grow(browser.id, '2 hours')
    expect(await browser.status('/backups')).toBe(401)
  })

  it('is listed with its browser; everybody ends their own, an administrator also those of others', async () => {
    const viewer = await signedIn(service, { name, role: 'viewer' })
    const admin = await signedIn(service, { name: `${name} b`, role: 'admin' })
    const own = (await (await viewer.ask('/sessions')).json()) as { items: Record<string, unknown>[] }
    expect(own.items).toMatchObject([
      { person: name, is_own: true, user_agent: 'node', address: '127.0.0.1' },
    ])
    const all = (await (await admin.ask('/sessions')).json()) as { items: { id: string; person: string }[] }
    const others = all.items.find(({ person }) => person === `${name} b`)?.id
    expect(await viewer.status(`/sessions/${others}`, { method: 'DELETE' })).toBe(404)
    expect(await viewer.status(`/sessions?person_id=${admin.id}`, { method: 'DELETE' })).toBe(404)
    await grow(admin.id, '6 minutes')
    const viewers = all.items.find(({ person }) => person === name)?.id
    expect(await admin.status(`/sessions/${viewers}`, { method: 'DELETE' })).toBe(403)
    await admin.ask('/session/factor', { json: { password: PASSWORD } })
    expect(await admin.status(`/sessions/${viewers}`, { method: 'DELETE' })).toBe(204)
    expect(await viewer.status('/whoami')).toBe(401)
    const [one, two] = [new Browser(service), new Browser(service)]
    for (const browser of [one, two]) await browser.signIn({ name, password: PASSWORD })
    const ended = await one.ask('/sessions', { method: 'DELETE' })
    expect(await ended.json()).toEqual({ ended: 1 })
    expect([await one.status('/whoami'), await two.status('/whoami')]).toEqual([200, 401])
    expect((await acts(viewer.id))[0]).toEqual(['session.end', `person ${name} (${viewer.id.slice(0, 8)})`])
    expect((await service.ask('/sessions', { key: await service.key(['read']) })).status).toBe(403)
  })
})
