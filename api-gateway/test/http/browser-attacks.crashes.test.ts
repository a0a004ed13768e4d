import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { listAudit } from '@telegram-backup/database'
import { DEFAULT_HTTP_SETTINGS, type HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import type { Response } from 'express'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SignInLimits } from '#http/sign-in-limits.ts'
import { Browser, invite, PASSWORD, signedIn } from '#test/http/browser.ts'
import { openTestService, type TestService } from '#test/http/http-service.ts'

let service: TestService
afterEach(async () => {
  await service.close()
})

interface Sent {
  status: number
  code: string
  cookies: string[]
}

/** Sends exactly these headers, which `fetch` would not. */
async function send(
  method: string,
  path: string,
  { headers = {}, json }: { headers?: Record<string, string>; json?: object } = {},
): Promise<Sent> {
  const body = json === undefined ? undefined : JSON.stringify(json)
  const type = body === undefined ? {} : { 'Content-Type': 'application/json' }
  const sending = request(`${service.server.url}/api/v1${path}`, { method, headers: { ...type, ...headers } })
  sending.end(body)
  const [answer] = (await once(sending, 'response')) as [IncomingMessage]
  const content = await text(answer)
  const { code = '' } = (content.startsWith('{') ? JSON.parse(content) : {}) as { code?: string }
  return { status: answer.statusCode ?? 0, code, cookies: answer.headers['set-cookie'] ?? [] }
}

const open = async (settings: Partial<HttpSettings> = {}): Promise<void> => {
  service = await openTestService(settings)
}
const OURS = { 'Sec-Fetch-Site': 'same-origin' }

describe('another site', () => {
  beforeEach(() => open({ hosts: ['backup.example'] }))

  it.each([
    ['a form or a fetch says that it is another one', { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['another program on the same host, or a sub-domain, is one', { 'Sec-Fetch-Site': 'same-site' }, 403],
    ['an old browser gives another origin', { Origin: 'http://evil.example' }, 403],
    ['a sandboxed frame has none', { Origin: 'null' }, 403],
    ['another port is another origin', { Origin: 'http://127.0.0.1:1' }, 403],
    ['nobody says where it comes from', {}, 403],
    ['the site is said twice', { 'Sec-Fetch-Site': 'same-origin, cross-site' }, 403],
    ['both agree', { Origin: 'OURS' }, 202],
  ])('makes no act in the name of somebody who is signed in: %s', async (_, given, status) => {
    const { cookie = '' } = await signedIn(service, { name: 'ann', role: 'operator' })
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.replace('OURS', service.server.url)]),
    )
    const sent = await send('POST', '/backups', {
      headers: { ...headers, Cookie: cookie },
      json: { source: 'shop' },
    })
    expect(sent.status).toBe(status)
    // Signing somebody in as another is an attack as well.
    const { link } = await invite(service, { name: 'eve', role: 'admin' })
    const login = await send('POST', '/session', { headers, json: { link: link.secret } })
    expect([login.status, login.cookies.length]).toEqual(status === 202 ? [200, 1] : [403, 0])
  })

  it('reads nothing by an image or a script, and sends no form', async () => {
    const { cookie: Cookie = '' } = await signedIn(service, { name: 'ann', role: 'admin' })
    for (const site of ['cross-site', 'same-site'])
      expect((await send('GET', '/audit', { headers: { Cookie, 'Sec-Fetch-Site': site } })).status).toBe(403)
    expect((await send('GET', '/audit', { headers: { Cookie, 'Sec-Fetch-Site': 'none' } })).status).toBe(200)
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const headers = { Cookie, ...OURS, 'Content-Type': type }
      expect((await send('POST', '/backups', { headers, json: { source: 'shop' } })).status, type).toBe(415)
    }
    const answer = await service.ask('/whoami', { headers: { Cookie, ...OURS } })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('gets nothing by giving its own name our address; known names and literal addresses work', async () => {
    const { cookie: Cookie = '' } = await signedIn(service, { name: 'ann', role: 'viewer' })
    const key = await service.key(['read'])
    const { port } = new URL(service.server.url)
    for (const [host, status] of [
      ['evil.example', 421],
      [`localhost.evil.example:${port}`, 421],
      ['127.0.0.1.evil.example', 421],
      ['localhost:80@evil.example', 421],
      ['backup.example', 200],
      ['BACKUP.example.:443', 200],
      [`localhost:${port}`, 200],
      ['[::1]:8080', 200],
      ['192.168.1.7:8080', 200],
    ] as const) {
      const asked = { headers: { Host: host, Cookie, ...OURS } }
      expect((await send('GET', '/whoami', asked)).status, host).toBe(status)
      const login = await send('POST', '/session', { headers: { Host: host, ...OURS }, json: { link: 'x' } })
      if (status === 421) expect(login).toMatchObject({ status: 421, code: 'WRONG_HOST' })
      // Programs with keys ask by whatever name leads here.
      const program = await send('GET', '/whoami', {
        headers: { Host: host, Authorization: `Bearer ${key}` },
      })
      expect(program.status, host).toBe(200)
    }
  })
})

describe('a session', () => {
  beforeEach(() => open())

  it('is not given together with a key; what a proxy adds is left alone', async () => {
    const { cookie: Cookie = '' } = await signedIn(service, { name: 'ann', role: 'viewer' })
    const key = await service.key(['admin'])
    for (const cookie of [Cookie, 'tb_session=tbs_nonsense']) {
      const headers = { Cookie: cookie, ...OURS, Authorization: `Bearer ${key}` }
      for (const path of ['/whoami', '/events', '/session/providers', '/../../metrics'])
        expect(await send('GET', path, { headers }), path).toMatchObject({ status: 400, code: 'INVALID' })
      for (const path of ['/session/challenge', '/backups/upload?project_id=shop&type=logs'])
        expect(await send('POST', path, { headers }), path).toMatchObject({ status: 400, code: 'INVALID' })
      const odd = { ...headers, Authorization: `bearer\t${key} and more` }
      expect(await send('GET', '/whoami', { headers: odd })).toMatchObject({ status: 400, code: 'INVALID' })
    }
    for (const Authorization of ['Basic dTpw', 'Bearer eyJhbGciOi'])
      expect((await send('GET', '/whoami', { headers: { Cookie, ...OURS, Authorization } })).status).toBe(200)
  })

  it('that an attacker has planted is never taken over', async () => {
    const planted = `tbs_${'A'.repeat(43)}`
    const { link } = await invite(service, { name: 'ann', role: 'viewer' })
    const signIn = { headers: { ...OURS, Cookie: `tb_session=${planted}` }, json: { link: link.secret } }
    const { cookies } = await send('POST', '/session', signIn)
    expect(cookies[0]).toMatch(/^tb_session=tbs_/)
    expect(cookies[0]).not.toContain(planted)
    expect(
      (await send('GET', '/whoami', { headers: { ...OURS, Cookie: `tb_session=${planted}` } })).status,
    ).toBe(401)
    // Nor does a session of the attacker's live on beside the new one.
    const eve = await signedIn(service, { name: 'eve', role: 'viewer' })
    const again = await invite(service, { name: 'ben', role: 'viewer' })
    const headers = { ...OURS, Cookie: eve.cookie ?? '' }
    expect((await send('POST', '/session', { headers, json: { link: again.link.secret } })).status).toBe(200)
    expect(await eve.status('/whoami')).toBe(401)
    const two = { ...OURS, Cookie: `tb_session=${planted}; ${cookies[0]?.split(';')[0]}` }
    expect(await send('GET', '/whoami', { headers: two })).toMatchObject({ status: 400, code: 'INVALID' })
  })

  it('begins only where nobody on the way can read along', async () => {
    const { link } = await invite(service, { name: 'ann', role: 'viewer' })
    const json = { link: link.secret }
    for (const headers of [
      { Host: '192.168.1.7:8080' },
      { 'X-Forwarded-For': '10.0.0.1' },
      // A proxy that says nothing of itself: the browser does.
      { Origin: 'https://backup.example' },
    ]) {
      const refused = await send('POST', '/session', { headers: { ...OURS, ...headers }, json })
      expect(refused).toMatchObject({ status: 403, code: 'TLS_NEEDED', cookies: [] })
    }
    await service.close()
    await open({ trust_proxy: 1, hosts: ['backup.example'] })
    const proxied = await invite(service, { name: 'ann', role: 'viewer' })
    const by = (more: Record<string, string>) => ({
      headers: { ...OURS, 'X-Forwarded-For': '10.0.0.1', 'X-Forwarded-Host': 'backup.example', ...more },
      json: { link: proxied.link.secret },
    })
    expect((await send('POST', '/session', by({}))).code).toBe('TLS_NEEDED')
    expect((await send('POST', '/session', by({ 'X-Forwarded-Proto': 'http' }))).code).toBe('TLS_NEEDED')
    const { status, cookies } = await send('POST', '/session', by({ 'X-Forwarded-Proto': 'https' }))
    expect(status).toBe(200)
    expect(cookies[0]).toMatch(
      /^__Host-tb_session=tbs_[^;]+; Max-Age=604800; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/,
    )
  })
})

describe('guesses', () => {
  beforeEach(() => open({ trust_proxy: 1 }))

  const guess = async (address: string, name: string, password = 'a wrong password'): Promise<number> => {
    const headers = { ...OURS, 'X-Forwarded-For': address, 'X-Forwarded-Proto': 'https' }
    return (await send('POST', '/session', { headers, json: { name, password } })).status
  }

  it('are refused by address and by name, without a query each, and never shut the owner out', async () => {
    await signedIn(service, { name: 'ann', role: 'admin' })
    // From where she works, she has signed in before.
    await sql`update control_plane.sessions set address = '10.1.1.1'`.execute(service.database.kysely)
    const fromOne = await Promise.all(Array.from({ length: 15 }, (_, n) => guess('10.9.0.1', `nobody ${n}`)))
    expect(fromOne.filter(status => status === 401)).toHaveLength(10)
    expect(fromOne.filter(status => status === 429)).toHaveLength(5)
    const many = []
    for (let n = 0; n < 30; n++) many.push(await guess(`10.9.1.${n}`, n % 2 === 0 ? 'ann' : ' ANN'.trim()))
    expect(many.filter(status => status === 401)).toHaveLength(20)
    expect(await guess('10.9.2.1', 'ann', PASSWORD)).toBe(429)
    expect(await guess('10.1.1.1', 'ann', PASSWORD)).toBe(200)
    const { link } = await invite(service, { name: 'ben', role: 'viewer' })
    const headers = { ...OURS, 'X-Forwarded-For': '10.9.3.1', 'X-Forwarded-Proto': 'https' }
    expect((await send('POST', '/session', { headers, json: { link: link.secret } })).status).toBe(200)
    const refusals = await listAudit(service.database, { act: 'session.refuse', limit: 100 })
    expect(refusals).toHaveLength(30)
    expect(JSON.stringify(refusals)).not.toMatch(/nobody \d|wrong/)
    expect(refusals.at(0)).toMatchObject({ actor: expect.stringMatching(/^visitor 10\.9\.1\./) })
  })

  it('from one address leave room for others where passwords are hashed', async () => {
    const limits = new SignInLimits({ database: service.database, settings: DEFAULT_HTTP_SETTINGS })
    const from = (ip: string) => ({ req: { ip }, set: () => {} }) as unknown as Response
    const hold = Promise.withResolvers<void>()
    const begun = Array.from({ length: 18 }, () => limits.inTurn(from('10.9.5.1'), () => hold.promise))
    await expect(limits.inTurn(from('10.9.5.1'), async () => {})).rejects.toMatchObject({
      code: 'TOO_MANY_REQUESTS',
    })
    const other = limits.inTurn(from('10.9.5.2'), async () => 'in')
    hold.resolve()
    expect(await other).toBe('in')
    await Promise.all(begun)
    limits.close()
  })

  it('at the password of somebody whose session was stolen are bounded, from however many addresses', async () => {
    const { link } = await invite(service, { name: 'ann', role: 'admin' })
    const from = (n: number) => ({ ...OURS, 'X-Forwarded-For': `10.9.4.${n}`, 'X-Forwarded-Proto': 'https' })
    const json = { link: link.secret, password: PASSWORD }
    const { cookies } = await send('POST', '/session', { headers: from(0), json })
    const Cookie = cookies[0]?.split(';')[0] ?? ''
    const answers: number[] = []
    for (let n = 0; n < 22; n++) {
      const headers = { ...from(n), Cookie }
      const given = { headers, json: { password: `a wrong password ${n}` } }
      answers.push((await send('POST', '/session/factor', given)).status)
    }
    expect(answers).toEqual([...Array(20).fill(403), 429, 429])
  })

  it('of cookies are counted as those of keys, and good ones still work', async () => {
    await service.close()
    await open({ failed_logins_per_minute: 3 })
    const browser = await signedIn(service, { name: 'ann', role: 'viewer' })
    const statuses: number[] = []
    for (let n = 0; n < 5; n++) {
      const Cookie = `tb_session=tbs_${String(n).repeat(43)}`
      statuses.push((await send('GET', '/whoami', { headers: { Cookie, ...OURS } })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    expect(await browser.status('/whoami')).toBe(200)
    expect(await new Browser(service).status('/whoami')).toBe(401)
  })
})
