import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readPage } from '#http/page/page-files.ts'
import { openTestService, type TestService } from '#test/http/http-service.ts'
import { rawExchange } from '#test/http/raw-exchange.ts'

const AS_BROWSER = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const SCRIPT = `export const words = '${'the same words '.repeat(1_000)}'`
/** As Vite writes it. */
const DOCUMENT = `<!doctype html><html lang="en"><head><base href="./" />
<meta name="session" content="unknown" />
<meta property="csp-nonce" nonce="__NONCE__">
<script type="module" crossorigin src="./assets/index-B8XiP6_l.js" nonce="__NONCE__"></script>
</head><body></body></html>`

let folder: string
let service: TestService

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'page-'))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), DOCUMENT)
  await writeFile(join(folder, 'icon.svg'), '<svg/>')
  await writeFile(join(folder, 'assets', 'index-B8XiP6_l.js'), SCRIPT)
  service = await openTestService({}, { page: { built: await readPage(`${folder}/`) } })
})

afterAll(async () => {
  await service.close()
  await rm(folder, { recursive: true })
})

const ask = (path: string, headers: Record<string, string> = AS_BROWSER, method = 'GET'): Promise<Response> =>
  service.ask(`//${path.slice(1)}`, { headers, method })

it('each answer has a nonce of its own, which its policy names, and may not be kept or framed', async () => {
  const nonces = new Set<string>()
  for (let time = 0; time < 3; time += 1) {
    const answer = await ask('/')
    const html = await answer.text()
    const policy = answer.headers.get('Content-Security-Policy') ?? ''
    const [, nonce = ''] = /'nonce-([^']+)'/.exec(policy) ?? []
    expect(nonce).toMatch(/^[\w-]{22}$/)
    expect(html).not.toContain('__NONCE__')
    expect([...html.matchAll(/nonce="([^"]+)"/g)].map(([, found]) => found)).toEqual([nonce, nonce])
    expect(policy).not.toContain('unsafe')
    expect(policy).toContain("frame-ancestors 'none'")
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    expect(answer.headers.get('X-Frame-Options')).toBe('DENY')
    // The address may hold a link that signs in.
    expect(answer.headers.get('Referrer-Policy')).toBe('no-referrer')
    nonces.add(nonce)
  }
  expect(nonces.size).toBe(3)
})

it.each([
  ['/', './'],
  ['/backups', './'],
  ['/backups/', '../'],
  ['/backups/0b5f', '../'],
  ['/backups/0b5f/restore?way=new', '../../'],
  ['/backups/%2e%2e%2f', '../'],
])('the base of %s leads to the page: %s', async (path, base) => {
  const answer = await ask(path)
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain(`<base href="${base}" />`)
})

it('tells the page that nobody is signed in only where the browser would have sent its session', async () => {
  const told = async (headers: Record<string, string>): Promise<string> =>
    /name="session" content="(\w+)"/.exec(
      await (await ask('/', { ...AS_BROWSER, ...headers })).text(),
    )?.[1] ?? ''
  expect(await told({ 'Sec-Fetch-Site': 'none' })).toBe('none')
  expect(await told({ 'Sec-Fetch-Site': 'none', Cookie: 'other=1; tb_session=x' })).toBe('unknown')
  expect(await told({ 'Sec-Fetch-Site': 'none', Authorization: 'Bearer tbk_x' })).toBe('unknown')
  // From a link on another site, a browser sends no cookie of ours.
  expect(await told({ 'Sec-Fetch-Site': 'cross-site' })).toBe('unknown')
  expect(await told({})).toBe('unknown')
})

it('a host name that is not known to be ours gets no page: another site may have taken our address', async () => {
  const answer = await rawExchange(
    service.server.port,
    'GET / HTTP/1.1\r\nHost: elsewhere.example\r\nAccept: text/html\r\nConnection: close\r\n\r\n',
  )
  expect(answer).toContain('"code":"WRONG_HOST"')
  expect(answer).not.toContain('<html')
})

it('files whose names change with their content are kept for a year, and are sent compressed', async () => {
  const script = await ask('/assets/index-B8XiP6_l.js', { 'Accept-Encoding': 'gzip, br' })
  expect(script.headers.get('Content-Encoding')).toBe('gzip')
  expect(Number(script.headers.get('Content-Length'))).toBeLessThan(SCRIPT.length / 10)
  expect(await script.text()).toBe(SCRIPT)
  expect(script.headers.get('Content-Type')).toBe('text/javascript; charset=utf-8')
  expect(script.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
  expect(script.headers.get('X-Content-Type-Options')).toBe('nosniff')

  const plain = await ask('/assets/index-B8XiP6_l.js', { 'Accept-Encoding': 'identity' })
  expect(plain.headers.get('Content-Encoding')).toBeNull()
  expect(await plain.text()).toBe(SCRIPT)

  // Longer when compressed.
  const icon = await ask('/icon.svg', { 'Accept-Encoding': 'gzip' })
  expect(icon.headers.get('Content-Encoding')).toBeNull()
  expect(icon.headers.get('Content-Type')).toBe('image/svg+xml')
  expect(icon.headers.get('Cache-Control')).toBe('public, max-age=3600')
})

it('HEAD answers as GET, without a body; other methods are refused', async () => {
  for (const path of ['/', '/backups/0b5f', '/assets/index-B8XiP6_l.js', '/icon.svg']) {
    const head = await ask(path, AS_BROWSER, 'HEAD')
    expect(head.status, path).toBe(200)
    expect(await head.text()).toBe('')
    const length = head.headers.get('Content-Length')
    expect(Number(length), path).toBeGreaterThan(0)
  }
  for (const path of ['/', '/assets/index-B8XiP6_l.js']) {
    const post = await ask(path, AS_BROWSER, 'POST')
    expect(post.status).toBe(405)
    expect(post.headers.get('Allow')).toBe('GET, HEAD')
  }
  expect((await ask('/backups/0b5f', AS_BROWSER, 'POST')).status).toBe(404)
})

it('what is none of the page stays what it was, also for a browser', async () => {
  for (const path of ['/assets/gone.js', '/assets/', '//elsewhere.example/x'])
    expect((await ask(path)).headers.get('Content-Type'), path).toMatch(/^application\/problem\+json/)
  const unknown = await ask('/api/v1/nothing')
  expect(unknown.status).toBe(401)
  expect(unknown.headers.get('Content-Type')).toMatch(/^application\/problem\+json/)
  expect((await ask('/docs')).headers.get('Content-Security-Policy')).toContain("default-src 'none'")
  expect(await (await ask('/healthz')).json()).toEqual({ status: 'ok' })
  // A program that does not ask for a page.
  expect((await ask('/nothing', { Accept: '*/*' })).status).toBe(404)
})

it.each([
  '/assets/../index.html',
  '/assets/%2e%2e/index.html',
  '/../../etc/passwd',
  '/assets\\..\\index.html',
])('no path leads out of the files of the page: %s', async path => {
  const answer = await rawExchange(
    service.server.port,
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  expect(answer).not.toContain('__NONCE__')
})

it('a page that was not built says how to build it, and the API works', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'page-'))
  const other = await openTestService({}, { page: { built: await readPage(empty) } })
  try {
    const answer = await other.ask('//', { headers: AS_BROWSER })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('Content-Type')).toMatch(/^text\/plain/)
    expect(await answer.text()).toContain('npm run build:page')
    expect((await other.ask('//healthz')).status).toBe(200)
  } finally {
    await other.close()
    await rm(empty, { recursive: true })
  }
})
