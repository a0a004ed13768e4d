import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { createDoorKey, revokeDoorKey, sqlRunner } from '@telegram-backup/database'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { rawExchange } from '#test/http/raw-exchange.ts'
import { basic, headOf, nameOf, openResticBench, type ResticBench } from '#test/restic/restic-bench.ts'

const GUESSES = 5

let bench: ResticBench
let full: Record<string, string>
beforeAll(async () => {
  bench = await openResticBench({ failed_logins_per_minute: GUESSES })
  full = await bench.headersFor('full')
})
afterAll(() => bench.close())
beforeEach(() => {
  bench.store.objects.clear()
})

const bytesOf = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(size))
const raw = (text: string): Promise<string> => rawExchange(bench.service.server.port, text)
const statusesIn = (answers: string): string[] => answers.match(/(?<=HTTP\/1\.1 )\d+/g) ?? []

describe('a key that is revoked in the middle of a body', () => {
  it.each(['data', 'locks', 'snapshots'])('stores nothing: %s', async type => {
    const { database } = bench.service
    const of = { bucketId: bench.bucket.id, scope: 'append', name: 'stolen' } as const
    const { doorKey, key } = await createDoorKey(database, of)
    const bytes = bytesOf(60_000)
    const sending = httpRequest(`${bench.service.server.url}/restic/laptop/${nameOf(bytes, type)}`, {
      method: 'POST',
      headers: { ...basic(doorKey.user_name, key), 'Content-Length': bytes.length },
    })
    const reading = vi.fn()
    bench.store.faults.put = async () => reading()
    const status = new Promise(resolve => {
      sending.on('response', answer => resolve([answer.statusCode, answer.statusMessage]))
    })
    sending.write(bytes.subarray(0, 30_000))
    await vi.waitFor(() => expect(reading).toHaveBeenCalled())
    await revokeDoorKey(database, doorKey.id)
    sending.end(bytes.subarray(30_000))
    expect(await status).toEqual([401, expect.stringContaining('revoked')])
    expect(bench.store.objects.size).toBe(0)
    bench.store.faults = {}
  })
})

describe('a holder of an append key', () => {
  it('cannot overwrite the configuration of the repository, nor delete it', async () => {
    const headers = await bench.headersFor('append')
    const config = bytesOf(155)
    expect((await bench.ask('config', { method: 'POST', body: config })).status).toBe(200)
    const overwriting = { method: 'POST', headers, body: bytesOf(155) }
    expect((await bench.ask('config', overwriting)).status).toBe(403)
    expect((await bench.ask('config', { method: 'DELETE', headers })).status).toBe(403)
    expect(Buffer.from(await (await bench.ask('config')).arrayBuffer()).equals(config)).toBe(true)
  })
})

describe('requests that two servers could read in two ways', () => {
  const path = `/restic/laptop/data/${'a'.repeat(64)}`

  it.each([
    ['a length beside chunks', { 'Content-Length': '3', 'Transfer-Encoding': 'chunked' }],
    ['chunks under another name', { 'Content-Length': '3', 'Transfer-Encoding': 'xchunked' }],
    ['two lengths', { 'Content-Length': '3', 'content-length': '30' }],
    ['a length with a sign', { 'Content-Length': '+3' }],
    ['a length in hex', { 'Content-Length': '0x3' }],
  ])('%s: are refused, and the connection ends', async (_, lines) => {
    const next = headOf('GET /restic/laptop/data/', full)
    const answers = await raw(`${headOf(`POST ${path}`, { ...full, ...lines })}0\r\n\r\n${next}`)
    expect(statusesIn(answers)).toEqual(['400'])
    expect(bench.store.objects.size).toBe(0)
  })

  it('a refused body never becomes a request', async () => {
    const bytes = bytesOf(10)
    await bench.ask(nameOf(bytes), { method: 'POST', body: bytes })
    const smuggled = headOf(`DELETE /restic/laptop/${nameOf(bytes)}`, full)
    for (const headers of [basic('laptop', 'tbd_wrong'), await bench.headersFor('read')]) {
      const of = { ...headers, Connection: 'keep-alive', 'Content-Length': String(smuggled.length) }
      const next = headOf('GET /restic/laptop/data/', full)
      const answers = await raw(headOf(`POST ${path}`, of) + smuggled + next)
      expect(statusesIn(answers)[0]).toMatch(/401|403/)
      expect(statusesIn(answers).slice(1)).toEqual(['200'])
    }
    expect(bench.store.objects.size).toBe(1)
  })

  it('bodies of GET, HEAD and DELETE are not read as requests either', async () => {
    const bytes = bytesOf(10)
    await bench.ask(nameOf(bytes), { method: 'POST', body: bytes })
    const smuggled = headOf(`DELETE /restic/laptop/${nameOf(bytes)}`, full)
    for (const line of [
      `HEAD /restic/laptop/${nameOf(bytes)}`,
      'GET /restic/laptop/keys/',
      `DELETE ${path}`,
    ]) {
      const of = { ...full, Connection: 'keep-alive', 'Content-Length': String(smuggled.length) }
      const answers = await raw(headOf(line, of) + smuggled + headOf('GET /restic/laptop/data/', full))
      expect(statusesIn(answers)).toEqual(['200', '200'])
    }
    expect(bench.store.objects.size).toBe(1)
  })

  it('requests in one piece are answered one after the other', async () => {
    const bytes = bytesOf(10)
    const of = { ...full, Connection: 'keep-alive', 'Content-Length': '10' }
    const put = headOf(`POST /restic/laptop/${nameOf(bytes)}`, of) + Buffer.from(bytes).toString('latin1')
    const answers = await raw(put + put + headOf(`GET /restic/laptop/${nameOf(bytes)}`, full))
    expect(statusesIn(answers)).toEqual(['200', '200', '200'])
    expect(answers.endsWith(Buffer.from(bytes).toString('latin1'))).toBe(true)
  })
})

it('who may not store is told so before the body is asked for', async () => {
  const bytes = bytesOf(10)
  const asking = { Expect: '100-continue', 'Content-Length': '10' }
  for (const headers of [basic('laptop', 'tbd_wrong'), await bench.headersFor('read')]) {
    const answer = await raw(headOf(`POST /restic/laptop/${nameOf(bytes)}`, { ...headers, ...asking }))
    expect(statusesIn(answer)).toHaveLength(1)
    expect(answer).toMatch(/^HTTP\/1\.1 40[13] /)
  }
  const head = headOf(`POST /restic/laptop/${nameOf(bytes)}`, { ...full, ...asking })
  expect(statusesIn(await raw(head + Buffer.from(bytes).toString('latin1')))).toEqual(['100', '200'])
})

it.each([
  ['bytes=0-1,5-6', 200],
  ['bytes=6-5', 200],
  ['items=0-1', 200],
  ['bytes=-0', 416],
  [`bytes=${'9'.repeat(40)}-`, 416],
  [`bytes=0-${'9'.repeat(40)}`, 206],
  ['bytes=-99999', 206],
])('a range of %s is answered with %i, and with nothing beyond the file', async (range, status) => {
  const bytes = bytesOf(1_000)
  await bench.ask(nameOf(bytes), { method: 'POST', body: bytes })
  const answer = await bench.ask(nameOf(bytes), { headers: { Range: range } })
  expect(answer.status).toBe(status)
  if (status !== 416) expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
})

describe('guesses', () => {
  const head = (password: string): string => headOf('GET /restic/laptop/config', basic('laptop', password))

  it('are bounded, cost no row, and do not keep a good key out', async () => {
    const rows = async (): Promise<unknown> =>
      await sqlRunner(bench.service.database).executeSql('select count(*) from control_plane.audit')
    const before = await rows()
    for (const password of ['x'.repeat(10_000), ...Array.from({ length: GUESSES }, (_, no) => `tbd_${no}`)])
      expect(await raw(head(password))).toMatch(/^HTTP\/1\.1 (401|429) /)
    const answer = await raw(head('tbd_last'))
    expect(answer).toMatch(/^HTTP\/1\.1 429 /)
    expect(answer).toMatch(/^Retry-After: \d+/im)
    expect(await rows()).toEqual(before)
    expect((await bench.ask('data/')).status).toBe(200)
  })
})
