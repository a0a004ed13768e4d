import { connect } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '#http/listen.ts'
import { dropUnread } from '#http/request-guards.ts'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'
import { rawExchange } from '#test/http/raw-exchange.ts'

let service: TestService
let key: string

beforeAll(async () => {
  service = await openTestService({ transfer_memory_mib: 260 }, { headersWithinMs: 1_000 })
  key = await service.key(['admin'])
})

afterAll(async () => {
  await service.close()
})

const UPLOAD = '/api/v1/backups/upload?project_id=shop&type=logs'

function head(line: string, ...more: string[]): string {
  return [line, 'Host: x', 'Connection: close', ...more, '\r\n'].join('\r\n')
}

/** The last answer to that, as a problem. */
async function problemOf(text: string): Promise<{ line: string; headers: string; body: unknown }> {
  const answer = await rawExchange(service.server.port, text)
  const [headers = '', body = ''] = answer.split('\r\n\r\n').slice(-2)
  return { line: headers.split('\r\n')[0] ?? '', headers, body: JSON.parse(body) }
}

const authorized = (): string => `Authorization: Bearer ${key}`

describe('what never becomes a request is answered with a problem', () => {
  it.each([
    ['a method that nobody knows', () => head('FOO / HTTP/1.1'), 400, 'INVALID'],
    ['a line that is none', () => 'hello\r\n\r\n', 400, 'INVALID'],
    ['a byte that no path has', () => head('GET /\0 HTTP/1.1'), 400, 'INVALID'],
    ['a greeting of TLS', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'INVALID'],
    ['lines without their carriage returns', () => 'GET / HTTP/1.1\nHost: x\n\n', 400, 'INVALID'],
    ['no host', () => 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'INVALID'],
    ['headers beyond 16 KiB', () => head('GET / HTTP/1.1', `X: ${'a'.repeat(20_000)}`), 431, 'TOO_LARGE'],
    ['a wish for a tunnel', () => head('CONNECT example.com:80 HTTP/1.1'), 405, 'METHOD_NOT_ALLOWED'],
    ['headers that do not end', () => 'GET / HTTP/1.1\r\nX: ', 408, 'TIMEOUT'],
    [
      'a chunk of no size in an upload',
      () =>
        `${head(`POST ${UPLOAD} HTTP/1.1`, authorized(), 'Transfer-Encoding: chunked')}5\r\nhello\r\nZZ\r\n`,
      400,
      'INVALID',
    ],
    [
      'the extension of a chunk, without end',
      () =>
        `${head(`POST ${UPLOAD} HTTP/1.1`, authorized(), 'Transfer-Encoding: chunked')}5;${'a'.repeat(40_000)}`,
      413,
      'TOO_LARGE',
    ],
  ])('%s', async (_, text, status, code) => {
    const { line, headers, body } = await problemOf(text())
    expect(line).toContain(`HTTP/1.1 ${status} `)
    expect(headers).toContain('Content-Type: application/problem+json')
    expect(headers).toContain("Content-Security-Policy: default-src 'none'")
    expect(body).toMatchObject({ status, code, type: `/docs#${code}`, instance: expect.any(String) })
  })

  it('and the service goes on', async () => {
    expect((await service.ask('//healthz')).status).toBe(200)
  })
})

describe('what two servers could read in two ways is refused:', () => {
  it.each([
    ['two hosts', 'Host: evil.example'],
    ['two keys', 'Authorization: Bearer tbk_other'],
  ])('%s', async (_, line) => {
    const { body } = await problemOf(head('GET /api/v1/backups HTTP/1.1', authorized(), line))
    expect(body).toMatchObject({ status: 400, code: 'INVALID' })
  })

  it.each([['Content-Encoding: gzip', 'Transfer-Encoding: chunked'], ['Transfer-Encoding: gzip, chunked']])(
    'an upload with %s',
    async (...lines) => {
      const text = `${head(`POST ${UPLOAD} HTTP/1.1`, authorized(), ...lines)}1\r\nx\r\n0\r\n\r\n`
      expect((await problemOf(text)).body).toMatchObject({ status: 415, code: 'UNSUPPORTED' })
    },
  )
})

it('what a refused request leaves unread does not become the next one', async () => {
  const body = 'GET /api/v1/backups HTTP/1.1\r\n\r\n'
  for (const [line, status] of [
    ['POST /api/v1/backups HTTP/1.1', 401],
    ['POST /nothing HTTP/1.1', 404],
    ['PUT /healthz HTTP/1.1', 405],
  ] as const) {
    const first = [line, 'Host: x', `Content-Length: ${body.length}`, '\r\n'].join('\r\n')
    const answers = await rawExchange(service.server.port, `${first}${body}${head('GET /healthz HTTP/1.1')}`)
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`, 'HTTP/1.1 200'])
  }
})

it('uploads and downloads share their memory; those that it is not enough for are asked to come again', async () => {
  const id = await upload(service, { key, bytes: Buffer.from('first') })
  const held = connect(service.server.port, '127.0.0.1').on('error', () => {})
  const lines = [`POST ${UPLOAD} HTTP/1.1`, 'Host: x', authorized(), 'Content-Length: 9', '\r\n']
  held.write(`${lines.join('\r\n')}x`)
  const other = await service.key(['admin'])
  const more = () => service.ask('/backups/upload?project_id=shop&type=logs', { key: other, body: 'more' })
  await expect.poll(async () => (await more()).status).toBe(503)
  const refused = await more()
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(await refused.json()).toMatchObject({ code: 'OVERLOADED' })
  const content = await service.ask(`/backups/${id}/content`, { key: other })
  expect(await content.text()).toBe('first')
  held.destroy()
  await expect.poll(async () => (await more()).status).toBe(201)
})

it('an answer that nobody takes is given up with its connection', async () => {
  const app = express()
  const wentOut: boolean[] = []
  app.use(dropUnread(1_000))
  app.get('/', (_request, response) => {
    response.once('close', () => wentOut.push(response.writableFinished))
    response.send(Buffer.alloc(50_000_000))
  })
  const server = await listen(app, { host: '127.0.0.1', port: 0 })
  const deaf = connect(server.port, '127.0.0.1').on('error', () => {})
  deaf.pause().write(head('GET / HTTP/1.1'))
  await expect.poll(() => wentOut).toEqual([false])
  deaf.destroy()
  await server.stop(0)
})
