import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { sqlRunner } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { rawExchange } from '#test/http/raw-exchange.ts'
import { headOf, nameOf, openResticBench, type ResticBench } from '#test/restic/restic-bench.ts'

let bench: ResticBench
beforeAll(async () => {
  bench = await openResticBench({ stall_seconds: 1 })
})
afterAll(() => bench.close())
beforeEach(() => {
  bench.store.objects.clear()
  bench.store.faults = {}
})

const bytesOf = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(size))
const post = (path: string, body: Uint8Array<ArrayBuffer>, headers?: Record<string, string>) =>
  bench.ask(path, { method: 'POST', body, ...(headers && { headers }) })

describe('files', () => {
  it('are stored, listed in both versions of the protocol, read whole and in ranges, and deleted', async () => {
    const bytes = bytesOf(300_000)
    const path = nameOf(bytes)
    const name = path.slice('data/'.length)
    expect((await post(path, bytes)).status).toBe(200)
    const head = await bench.ask(path, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '300000'])
    const v1 = await bench.ask('data/')
    expect(v1.headers.get('content-type')).toBe('application/vnd.x.restic.rest.v1')
    expect(await v1.json()).toEqual([name])
    const v2 = await bench.ask('data/', { headers: { Accept: 'application/vnd.x.restic.rest.v2' } })
    expect(v2.headers.get('content-type')).toBe('application/vnd.x.restic.rest.v2')
    expect(await v2.json()).toEqual([{ name, size: 300_000 }])
    expect(Buffer.from(await (await bench.ask(path)).arrayBuffer()).equals(bytes)).toBe(true)
    for (const [range, start, end] of [
      ['bytes=0-', 0, 300_000],
      ['bytes=10-10', 10, 11],
      ['bytes=299990-400000', 299_990, 300_000],
    ] as const) {
      const answer = await bench.ask(path, { headers: { Range: range } })
      expect(answer.status).toBe(206)
      expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/300000`)
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes.subarray(start, end))).toBe(true)
    }
    const beyond = await bench.ask(path, { headers: { Range: 'bytes=300000-' } })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */300000'])
    expect((await bench.ask(path, { method: 'DELETE' })).status).toBe(200)
    expect((await bench.ask(path, { method: 'DELETE' })).status).toBe(200)
    expect((await bench.ask(path)).status).toBe(404)
    expect(await (await bench.ask('data/')).json()).toEqual([])
  })

  it('without bytes are given whole, whatever range is asked for', async () => {
    const path = nameOf(new Uint8Array())
    expect((await post(path, new Uint8Array(), { 'Content-Length': '0' })).status).toBe(200)
    const answer = await bench.ask(path, { headers: { Range: 'bytes=0-' } })
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, '0'])
  })

  it('lie where their type says', async () => {
    for (const type of ['data', 'keys', 'locks', 'snapshots', 'index']) {
      const bytes = bytesOf(100)
      expect((await post(nameOf(bytes, type), bytes)).status).toBe(200)
    }
    expect((await post('config', bytesOf(100))).status).toBe(200)
    const places = [...bench.store.objects.values()].map(({ version, where }) => [
      version.key.replace(/\/.*/, ''),
      where,
    ])
    expect(Object.fromEntries(places)).toEqual({
      ...{ data: 'chat', locks: 'catalog', config: 'chat and catalog' },
      ...{ keys: 'chat and catalog', snapshots: 'chat and catalog', index: 'chat and catalog' },
    })
  })

  it('are not overwritten: the same bytes are a success, other bytes are refused for good', async () => {
    const config = bytesOf(200)
    expect((await post('config', config)).status).toBe(200)
    expect((await post('config', config)).status).toBe(200)
    expect((await post('config', bytesOf(200))).status).toBe(403)
    expect(Buffer.from(await (await bench.ask('config')).arrayBuffer()).equals(config)).toBe(true)
    const bytes = bytesOf(200)
    expect((await post(nameOf(bytes), bytes)).status).toBe(200)
    expect((await post(nameOf(bytes), bytes)).status).toBe(200)
    expect((await post(nameOf(bytes), bytesOf(200))).status).toBe(400)
  })

  it('are listed by the hundred thousand', async () => {
    const version = { sha256: '', size: 1 }
    for (let count = 0; count < 100_000; count++) {
      const key = `index/${count.toString(16).padStart(64, '0')}`
      bench.store.objects.set(key, { version: { ...version, key }, bytes: Buffer.alloc(1) } as never)
    }
    const answer = await bench.ask('index/', { headers: { Accept: 'application/vnd.x.restic.rest.v2' } })
    const listed = (await answer.json()) as { name: string }[]
    expect(listed.length).toBe(100_000)
    expect(listed[99_999]?.name).toBe((99_999).toString(16).padStart(64, '0'))
  })
})

test('a bucket that is taken back to a moment is closed, and restic is told why, and not to try again', async () => {
  const bytes = bytesOf(10)
  await post(nameOf(bytes, 'keys'), bytes)
  const closed = (to: string) =>
    sqlRunner(bench.service.database).executeSql(
      `update control_plane.object_buckets set undeleting_to = ${to} where id = '${bench.bucket.id}'`,
    )
  await closed("'2026-12-01T18:00:00Z'")
  for (const [path, method] of [
    ['config', 'HEAD'],
    ['keys/', 'GET'],
    [nameOf(bytes, 'keys'), 'GET'],
    [nameOf(bytes, 'locks'), 'DELETE'],
    ['?create=true', 'POST'],
  ] as const) {
    const answer = await bench.ask(path, { method })
    expect([path, answer.status, answer.statusText]).toEqual([
      path,
      403,
      'The bucket is closed: it is being taken back to 2026-12-01T18:00:00.000Z. Run restic again when that has ended.',
    ])
  }
  expect((await post(nameOf(bytes), bytes)).status).toBe(403)
  await closed('null')
  expect((await bench.ask(nameOf(bytes, 'keys'))).status).toBe(200)
  expect(bench.store.objects.size).toBe(1)
})

test('a repository exists already, and no client removes it', async () => {
  const statusOf = async (path: string, method: string) => (await bench.ask(path, { method })).status
  expect(await statusOf('?create=true', 'POST')).toBe(200)
  expect(await statusOf('?create=true', 'POST')).toBe(200)
  expect(await statusOf('', 'POST')).toBe(400)
  expect(await statusOf('', 'DELETE')).toBe(403)
  expect(await statusOf('', 'GET')).toBe(405)
  expect(await statusOf('config', 'HEAD')).toBe(404)
})

test.each([
  'data',
  'data/abc',
  `data/${'A'.repeat(64)}`,
  `data/${'a'.repeat(65)}`,
  `data/${'a'.repeat(64)}/`,
  `data/aa/${'a'.repeat(64)}`,
  `other/${'a'.repeat(64)}`,
  `data/..%2fkeys%2f${'a'.repeat(64)}`,
  `data//${'a'.repeat(64)}`,
  'config/',
  `config${'%00'}`,
])('%s is no file of restic: 404 for every method', async path => {
  for (const method of ['HEAD', 'GET', 'POST', 'DELETE', 'PUT']) {
    const headers = { 'Content-Length': '0' }
    expect((await bench.ask(path, { method, ...(method === 'POST' && { headers }) })).status).toBe(404)
  }
})

describe('a body', () => {
  /** Sends the head of a POST and some of its body, and returns the status line. */
  const begin = async (path: string, own: Record<string, string>, body = ''): Promise<string> =>
    await rawExchange(
      bench.service.server.port,
      headOf(`POST /restic/laptop/${path}`, { ...(await bench.headersFor('full')), ...own }) + body,
    )
  const path = `data/${'a'.repeat(64)}`

  it('without a length, or longer than any file of restic, is not read', async () => {
    const chunked = await begin(path, { 'Transfer-Encoding': 'chunked' }, '3\r\nabc\r\n0\r\n\r\n')
    expect(chunked).toMatch(/^HTTP\/1\.1 411 /)
    expect(await begin(path, { 'Content-Length': String(513 * 1024 ** 2) })).toMatch(/^HTTP\/1\.1 413 /)
    const lock = `locks/${'a'.repeat(64)}`
    expect(await begin(lock, { 'Content-Length': '65537' })).toMatch(/^HTTP\/1\.1 413 /)
    const encoded = { 'Content-Length': '5', 'Content-Encoding': 'gzip' }
    expect(await begin(path, encoded, 'abcde')).toMatch(/^HTTP\/1\.1 415 /)
  })

  it('that does not come is waited for no longer than it may stall', async () => {
    expect(await begin(path, { 'Content-Length': '10' }, 'abc')).toMatch(/^HTTP\/1\.1 408 /)
    expect(bench.store.objects.size).toBe(0)
  })

  it('that comes byte by byte is not waited for, although each byte comes in time', async () => {
    const headers = { ...(await bench.headersFor('full')), 'Content-Length': 1_000 }
    const url = `${bench.service.server.url}/restic/laptop/${path}`
    const sending = httpRequest(url, { method: 'POST', headers })
    sending.on('error', () => {})
    const dripping = setInterval(() => sending.write('a'), 100)
    const status = await new Promise(resolve => {
      sending.on('response', ({ statusCode }) => resolve(statusCode))
    })
    clearInterval(dripping)
    sending.destroy()
    expect(status).toBe(408)
  })

  it('that breaks off is an error of the store, whose work ends', async () => {
    let aborted: AbortSignal | undefined
    let failure: unknown
    bench.store.faults.put = async ({ body }, signal) => {
      aborted = signal
      try {
        for await (const _chunk of body);
      } catch (error) {
        failure = error
        throw error
      }
    }
    const headers = await bench.headersFor('full')
    const sending = httpRequest(`${bench.service.server.url}/restic/laptop/${path}`, {
      method: 'POST',
      headers: { ...headers, 'Content-Length': 1_000_000 },
    })
    sending.on('error', () => {})
    sending.write(Buffer.alloc(200_000))
    await vi.waitFor(() => expect(aborted).toBeDefined())
    sending.destroy()
    await vi.waitFor(() => expect(aborted?.aborted).toBe(true))
    await vi.waitFor(() => expect(failure).toMatchObject({ code: 'SOURCE' }))
  })
})

describe('failures of the store', () => {
  it.each([
    ['FULL', 507],
    ['UNREACHABLE', 503],
    ['CATALOG', 503],
    ['CONFIGURATION', 503],
    ['NO_KEY', 403],
    ['INTEGRITY', 403],
  ])('%s is answered as %i, with its words in the status line', async (code, status) => {
    bench.store.faults.put = async () => {
      throw new BackupError('It is said so: “no”', { code, hint: 'Do that.' })
    }
    const bytes = bytesOf(10)
    const answer = await post(nameOf(bytes), bytes)
    expect(answer.status).toBe(status)
    expect(answer.statusText).toBe('It is said so: "no". Do that.')
    expect(answer.headers.has('retry-after')).toBe(status === 503)
  })

  it('in the middle of a file break off the connection', async () => {
    const bytes = bytesOf(1_000_000)
    await post(nameOf(bytes), bytes)
    bench.store.faults.get = async function* (wanted) {
      yield Buffer.from(wanted.subarray(0, 500_000))
      yield Buffer.from(wanted.subarray(500_000, 900_000))
      throw new BackupError('The chat does not give it back', { code: 'INTEGRITY' })
    }
    await expect(bench.ask(nameOf(bytes)).then(answer => answer.arrayBuffer())).rejects.toThrow()
  })

  it('which give fewer bytes than there are break off the connection', async () => {
    const bytes = bytesOf(100_000)
    await post(nameOf(bytes), bytes)
    bench.store.faults.get = async function* (wanted) {
      yield Buffer.from(wanted.subarray(0, 50_000))
      yield Buffer.from(wanted.subarray(50_000, 99_999))
    }
    await expect(bench.ask(nameOf(bytes)).then(answer => answer.arrayBuffer())).rejects.toThrow()
  })

  it('in the middle of a list break off the connection: no client takes it for whole', async () => {
    for (let count = 0; count < 1_500; count++) {
      const key = `index/${count.toString(16).padStart(64, '0')}`
      bench.store.objects.set(key, { version: { size: 1, key }, bytes: Buffer.alloc(1) } as never)
    }
    bench.store.faults.list = () => {
      throw new BackupError('The catalog is gone', { code: 'CATALOG' })
    }
    await expect(bench.ask('index/').then(answer => answer.text())).rejects.toThrow()
  })
})
