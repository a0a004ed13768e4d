import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openProxy } from '@telegram-backup/test-support/browser/proxy.ts'
import type { Site } from '@telegram-backup/test-support/browser/site.ts'
import type { Page } from '@telegram-backup/test-support/browser/watched-pages.ts'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest({ names: ['evil.example', 'rebound.example'] })
const PASSWORD = 'a long enough password'
/** What Chromium says of each answer that refuses, and of a stream that the server has ended. */
const REFUSED = /the server responded with a status of 4|net::ERR_INCOMPLETE_CHUNKED_ENCODING/

/** Another site, with one page. */
async function openOtherSite(html: string): Promise<{ port: number; close(): void }> {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html').end(html)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function fillSignIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

async function useLink(page: Page, link: string): Promise<void> {
  await page.goto(link)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

const jobsOf = async (site: Site): Promise<number> => (await site.ask<{ items: [] }>('jobs')).items.length

it('the first visitor, and two who race, become nobody: there is nothing to sign in to', async ({
  site,
  pages,
}) => {
  const visitors = await Promise.all([1, 2].map(() => pages.open(site.url, { mayReport: REFUSED })))
  await Promise.all(visitors.map(page => page.goto(site.url)))
  await Promise.all(visitors.map(page => fillSignIn(page, 'admin', PASSWORD)))
  for (const page of visitors) {
    await page.getByRole('alert').first().waitFor()
    // The page says who can make the first administrator.
    await page.getByText('telegram-backup user add --admin').waitFor()
  }
  const makeAdmin = `fetch('api/v1/people', { method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: '{"name":"admin","role":"admin"}' }).then(answer => answer.status)`
  const answers = await Promise.all(visitors.map(page => page.evaluate(makeAdmin)))
  expect(answers).toEqual([401, 401])
  for (const page of visitors) expect(await page.context().cookies()).toEqual([])
  expect((await site.ask<{ items: unknown[] }>('people')).items).toEqual([])
})

it('a link signs in once: whoever took it later gets nothing, and the address keeps nothing of it', async ({
  site,
  pages,
}) => {
  const link = await site.invite('Lena')
  const page = await pages.open(site.url)
  await useLink(page, link)
  await page.getByRole('navigation').waitFor()
  expect(page.url()).toBe(site.url)

  const thief = await pages.open(site.url, { mayReport: REFUSED })
  await useLink(thief, link)
  await thief.getByRole('alert').first().waitFor()
  expect(await thief.context().cookies()).toEqual([])
})

it('a session that an attacker has planted is not the one that the person gets, and ends', async ({
  site,
  pages,
}) => {
  const planted = await site.signIn('Mallory', 'viewer')
  const page = await pages.open(site.url, { cookies: planted })
  await useLink(page, await site.invite('Victor'))
  await page.getByRole('navigation').waitFor()
  const [own] = await page.context().cookies()
  expect(own?.value).not.toBe(planted[0]?.value)
  const cookie = `${planted[0]?.name}=${planted[0]?.value}`
  const answer = await fetch(new URL('api/v1/whoami', site.url), { headers: { Cookie: cookie } })
  expect(answer.status).toBe(401)
})

it.for([
  // The browser sends no cookie.
  { host: 'evil.example', refused: 401 },
  // Another port is the same site, and the cookie is sent.
  { host: '127.0.0.1', refused: 403 },
])(
  'a page at $host makes the browser of an administrator do nothing: form, fetch, image',
  async ({ host, refused }, { site, browser }) => {
    const proxy = await openProxy(site.way.url)
    const other = await openOtherSite(`
      <img src="${proxy.url}api/v1/backups">
      <form method="post" target="frame" enctype="text/plain" action="${proxy.url}api/v1/backups">
        <input name='{"source":"logs","x":"' value='"}'></form>
      <iframe name="frame"></iframe>
      <script>
        const ask = init => fetch('${proxy.url}api/v1/backups', { method: 'POST', credentials: 'include', ...init })
          .then(answer => answer.type, () => 'refused')
        document.querySelector('form').submit()
        window.asked = Promise.all([
          ask({ mode: 'no-cors', body: '{"source":"logs"}' }),
          ask({ headers: { 'Content-Type': 'application/json' }, body: '{"source":"logs"}' }),
          fetch('${proxy.url}api/v1/backups', { credentials: 'include' }).then(() => 'read', () => 'refused'),
        ])
      </script>`)
    const context = await browser.newContext()
    try {
      await context.addCookies(await site.signIn(`Away at ${host}`))
      const before = await jobsOf(site)
      const page = await context.newPage()
      await page.goto(`http://${host}:${other.port}/`)
      expect(await page.evaluate('window.asked')).toEqual(['refused', 'refused', 'refused'])
      await page.waitForLoadState('load')
      const answers = (method: string) => proxy.answers.filter(answer => answer.startsWith(method))
      // The answer to the form may come after the page was loaded.
      await expect.poll(() => answers('POST')).toEqual(Array(2).fill(`POST /api/v1/backups ${refused}`))
      expect(answers('GET')).toEqual(Array(2).fill(`GET /api/v1/backups ${refused}`))
      expect(await jobsOf(site)).toBe(before)
    } finally {
      await context.close()
      other.close()
      await proxy.close()
    }
  },
)

it('a name that was turned to our address (DNS rebinding) does not get the page', async ({
  site,
  browser,
}) => {
  // The other site's own page has no policy that would stop it.
  const context = await browser.newContext({ bypassCSP: true })
  try {
    const page = await context.newPage()
    const there = site.url.replace('127.0.0.1', 'rebound.example')
    const answer = await page.goto(there)
    const text = (await answer?.text()) ?? ''
    expect(text).toContain('WRONG_HOST')
    expect(text).not.toContain('<html')
    // A page of that name could ask as the same origin.
    const guess = `fetch('/api/v1/session', { method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: '{"name":"ann","password":"a guess of mine"}' }).then(answer => answer.text())`
    expect(await page.evaluate(guess)).toContain('WRONG_HOST')
  } finally {
    await context.close()
  }
})

it('no other site can show the page in a frame', async ({ site, browser }) => {
  const other = await openOtherSite(`<iframe src="${site.url}"></iframe>`)
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(`http://evil.example:${other.port}/`)
    await expect.poll(() => page.frames().at(-1)?.url()).toBe('chrome-error://chromewebdata/')
  } finally {
    await context.close()
    other.close()
  }
})

it('a session that is ended loses its stream, and the page asks to sign in', async ({ site, pages }) => {
  const proxy = await openProxy(site.way.url)
  try {
    const page = await pages.open(proxy.url, { cookies: await site.signIn('Rita'), mayReport: REFUSED })
    await page.goto(proxy.url)
    await page.locator('[data-live="live"]').waitFor()
    expect(proxy.underWay('/api/v1/events')).toBe(1)
    const { items } = await site.ask<{ items: { id: string; person: string }[] }>('sessions')
    const session = items.find(({ person }) => person === 'Rita')
    await fetch(new URL(`api/v1/sessions/${session?.id}`, site.url), {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${site.key}` },
    })
    await expect.poll(() => proxy.underWay('/api/v1/events'), { timeout: 60_000 }).toBe(0)
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
  } finally {
    await pages.close()
    await proxy.close()
  }
})

it('who guesses passwords is stopped after some, also with the right one', async ({ site, pages }) => {
  const page = await pages.open(site.url)
  await useLink(page, await site.invite('Gina'))
  await page.getByRole('navigation').waitFor()
  const guess = (password: string): Promise<Response> =>
    fetch(new URL('api/v1/session', site.url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: new URL(site.url).origin },
      body: JSON.stringify({ name: 'Gina', password }),
    })
  const statuses: number[] = []
  while (!statuses.includes(429) && statuses.length < 200) statuses.push((await guess('a wrong one')).status)
  expect(statuses.at(-1)).toBe(429)
  expect(statuses.slice(0, -1).every(status => status === 401)).toBe(true)
  const right = await guess(PASSWORD)
  expect(right.status).toBe(429)
  expect(right.headers.getSetCookie()).toEqual([])
})
