import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { listJobs } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BackupTelegramIntegration } from '#lib/backups/backup-telegram.integration.ts'
import { openTestService, type TestService } from '#test/http/http-service.ts'
import { expectNothingLeft } from '#test/http/nothing-left.ts'
import { rawExchange } from '#test/http/raw-exchange.ts'

let service: TestService
let key: string
const head = (line: string, ...more: string[]): string =>
  [line, 'Host: x', `Authorization: Bearer ${key}`, ...more, '\r\n'].join('\r\n')

beforeAll(async () => {
  service = await openTestService(
    {
      failed_logins_per_minute: 5,
      requests_per_minute: 40,
      stall_seconds: 1,
    },
    { headersWithinMs: 1_000 },
  )
  key = await service.key(['admin'])
})

afterAll(async () => {
  await service.close()
})

/** Not by an upload: that would have to come without a pause of a second. */
async function send(file: Buffer): Promise<string> {
  const { vault, database } = service
  const integration = new BackupTelegramIntegration(vault.service, { database })
  const sent = await integration.sendAndRecord({ projectId: 'shop', type: 'database', file })
  expect(sent.success).toBe(true)
  return sent.databaseRecord?.id ?? ''
}

it('headers that do not end are cut off', async () => {
  const answer = await rawExchange(service.server.port, 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ')
  expect(answer).toMatch(/^(HTTP\/1.1 408|$)/)
})

it('a JSON body that does not end is cut off', async () => {
  const text = `${head('POST /api/v1/backups HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 100')}{`
  const answer = await rawExchange(service.server.port, text)
  expect(answer).toMatch(/^HTTP\/1.1 408/)
  expect(answer).toContain('"code":"TIMEOUT"')
})

it('an upload that stalls is ended after a while, with a problem, and nothing is left of it', async () => {
  // The chat has its index by then: one that was about to be made when an upload ended is for the next send
  // to find.
  await send(Buffer.from('an earlier one'))
  const stalled = request(`${service.server.url}/api/v1/backups/upload?project_id=shop&type=storage`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}` },
  })
  stalled.on('error', () => {})
  stalled.write(randomBytes(200_000))
  const [answer] = await once(stalled, 'response')
  expect(answer.statusCode).toBe(408)
  answer.resume()
  await once(stalled, 'close')
  await expect
    .poll(() => listJobs(service.database, { limit: 9 }))
    .toEqual([expect.objectContaining({ state: 'failed' })])
  for (const job of await listJobs(service.database, { limit: 9 })) await expectNothingLeft(service, job)
})

it('headers and JSON that are too large are refused, and their connection ends', async () => {
  const large = await rawExchange(
    service.server.port,
    `GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(40_000)}\r\n\r\n`,
  )
  expect(large).toMatch(/^HTTP\/1.1 431/)
  const endless = await rawExchange(
    service.server.port,
    `${head('POST /api/v1/backups HTTP/1.1', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}20000\r\n${'x'.repeat(0x20000)}\r\n`,
  )
  expect(endless).toMatch(/^HTTP\/1.1 413/)
})

it('a body that nobody asked for is not read on', async () => {
  const answer = await rawExchange(
    service.server.port,
    `POST /api/v1/backups/upload?project_id=shop&type=logs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n${'x'.repeat(100_000)}`,
  )
  expect(answer).toMatch(/^HTTP\/1.1 401/)
})

it('requests that two servers could read in two ways are refused', async () => {
  for (const text of [
    head('POST /api/v1/backups HTTP/1.1', 'Content-Length: 5', 'Transfer-Encoding: chunked') +
      '0\r\n\r\nGET /x',
    `${head('POST /api/v1/backups HTTP/1.1', 'Content-Length: 5', 'Content-Length: 6')}abcdef`,
    `${head('POST /api/v1/backups HTTP/1.1', 'Transfer-Encoding : chunked')}0\r\n\r\n`,
  ]) {
    expect(await rawExchange(service.server.port, text)).toMatch(/^HTTP\/1.1 400/)
  }
})

it('a reader that takes nothing loses the connection', async () => {
  const id = await send(Buffer.alloc(30_000_000, 'some text that packs well '))
  const socket = connect(service.server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  socket.write(head(`GET /api/v1/backups/${id}/content HTTP/1.1`))
  // Every answer is a line in the log once its connection has ended, one way or the other.
  await expect.poll(() => service.log.some(line => line.includes(`${id}/content`))).toBe(true)
  let bytes = 0
  socket.on('data', chunk => {
    bytes += chunk.length
  })
  socket.resume()
  await new Promise(resolve => socket.once('close', resolve))
  expect(bytes).toBeLessThan(30_000_000)
})

it('after too many wrong keys an address waits, but never with a good key, not even with one that is new', async () => {
  const statuses: number[] = []
  let late = await service.ask('/backups', { key: 'tbk_wrong' })
  for (let tries = 0; tries < 7; tries++) {
    statuses.push(late.status)
    late = await service.ask('/backups', { key: 'tbk_wrong' })
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  expect(late.status).toBe(429)
  expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await late.json()).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
  expect((await service.ask('/backups', { key: await service.key(['read']) })).status).toBe(200)
})

it('a key that asks too often waits, and the others do not', async () => {
  const greedy = await service.key(['read'])
  // All at once: on a busy machine one after the other could take more than the minute that is counted.
  const answers = await Promise.all(Array.from({ length: 50 }, () => service.ask('/stats', { key: greedy })))
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(40).fill(200), ...Array(10).fill(429)])
  expect((await service.ask('/stats', { key })).status).toBe(200)
})
