import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failureOf, PATIENT, post } from '#test/odd-exchange.ts'
import { oddServer } from '#test/odd-server.ts'

const LARGE = [Buffer.alloc(19 * 1024 * 1024, 7)]

describe('an answer', () => {
  test.each([200, 302, 404, 413, 429, 500, 502])('with status %i is an answer', async status => {
    const server = await oddServer(async ({ readBody, json }) => {
      await readBody()
      json(status, { ok: false }, { 'Retry-After': '7', Location: 'http://127.0.0.1:1/elsewhere' })
    })
    const answer = await post(server.url)
    expect(answer.status).toBe(status)
    expect(answer.headers['retry-after']).toBe('7')
    expect(answer.body.toString()).toBe('{"ok":false}')
    expect(server.heads).toHaveLength(1)
  })

  test('in pieces is joined', async () => {
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
      await new Promise(resolve => setImmediate(resolve))
      socket.write('2\r\nde\r\n0\r\n\r\n')
    })
    expect((await post(server.url)).body.toString()).toBe('abcde')
  })

  test('to a body of 19 MiB comes after every byte of it has arrived in order', async () => {
    const body = [Buffer.from('head'), Buffer.from(LARGE[0] as Buffer), Buffer.from('tail')]
    for (let at = 0; at < 19 * 1024 * 1024; at += 1024) body[1]?.writeUInt32LE(at, at)
    const arrived: Buffer[] = []
    const server = await oddServer(async ({ readBody, json }) => {
      arrived.push(await readBody())
      json(200, {})
    })
    const bytesOut: number[] = []
    await post(server.url, { body, onBytesOut: bytes => bytesOut.push(bytes) })
    expect(arrived[0]?.equals(Buffer.concat(body))).toBe(true)
    expect(bytesOut.at(-1)).toBe(19 * 1024 * 1024 + 8)
    expect(bytesOut).toEqual([...bytesOut].sort((a, b) => a - b))
  })

  test.each<[string, Record<string, string>]>([
    ['its length told beforehand', { 'Content-Length': '5000000' }],
    ['its length not told', {}],
  ])(
    'of 5 MB, %s, comes as it was sent, also after another one on the same connection',
    async (_, headers) => {
      const bytes = randomBytes(5_000_000)
      const server = createHttpServer((_request, response) => {
        response.writeHead(200, headers)
        for (let at = 0; at < bytes.length; at += 70_001) response.write(bytes.subarray(at, at + 70_001))
        response.end()
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(() => server.closeAllConnections())
      onTestFinished(() => void server.close())
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const into = Buffer.alloc(bytes.length)
      for (const memory of [undefined, into, into]) {
        const hash = createHash('sha256')
        const answer = { maxBytes: bytes.length, into: memory, hash }
        const { body } = await post(url, { method: 'GET', body: [], repeatable: true, answer })
        expect(body.equals(bytes)).toBe(true)
        expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
      }
      expect(into.equals(bytes)).toBe('Content-Length' in headers)
    },
  )

  test('that comes slowly is waited for, as long as it moves', async () => {
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${4 * 16_384}\r\n\r\n`)
      for (let piece = 0; piece < 4; piece++) {
        await after(1500)
        socket.write(Buffer.alloc(16_384))
      }
    })
    const timeouts = { ...PATIENT, stallMs: 5000 }
    expect((await post(server.url, { timeouts })).body).toHaveLength(4 * 16_384)
  })

  test('that is longer than it may be is not taken', async () => {
    const server = await oddServer(async ({ answer, readBody }) => {
      await readBody()
      answer(200, 'x'.repeat(1001))
    })
    await expect(failureOf(post(server.url, { answer: { maxBytes: 1000 } }))).resolves.toMatchObject({
      code: 'UNPROVEN',
    })
    expect((await post(server.url, { answer: { maxBytes: 1001 } })).body).toHaveLength(1001)
  })
})

describe('a request that is not out whole was never made', () => {
  test('when nothing listens there', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const error = await failureOf(post(`http://127.0.0.1:${port}`))
    expect(error).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('ECONNREFUSED') })
  })

  test('when the host has no address', async () => {
    const error = await failureOf(post('http://no-such-host.invalid'))
    expect(error.code).toBe('UNREACHABLE')
    expect(error.message).not.toContain('no-such-host')
  })

  test('when the connection is reset before the body', async () => {
    const server = await oddServer(({ socket }) => {
      socket.resetAndDestroy()
    })
    await expect(failureOf(post(server.url, { body: LARGE }))).resolves.toMatchObject({ code: 'UNREACHABLE' })
  })

  test('when the connection is reset in the middle of the body', async () => {
    const server = await oddServer(async ({ socket, readBody, bodyBytes }) => {
      await readBody(bodyBytes / 2)
      socket.resetAndDestroy()
    })
    await expect(failureOf(post(server.url, { body: LARGE }))).resolves.toMatchObject({ code: 'UNREACHABLE' })
  })

  test('when the upload stalls', async () => {
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody(100_000)
      socket.pause()
      await once(socket, 'close')
    })
    const timeouts = { ...PATIENT, stallMs: 100 }
    await expect(failureOf(post(server.url, { body: LARGE, timeouts }))).resolves.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('upload stalled'),
    })
  })
})

describe('the answer of a request that is out whole is lost', () => {
  test('when the connection is reset after the body', async () => {
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      socket.resetAndDestroy()
    })
    for (const body of [LARGE, [Buffer.from('{}')]]) {
      await expect(failureOf(post(server.url, { body }))).resolves.toMatchObject({ code: 'ANSWER_LOST' })
    }
  })

  test('when the server closes in peace without a word', async () => {
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      socket.end()
    })
    await expect(failureOf(post(server.url))).resolves.toMatchObject({ code: 'ANSWER_LOST' })
  })

  test.each([
    ['its length told', 'Content-Length: 3000\r\n\r\n', 'x'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n', '1\r\nx\r\n'],
  ])('when a byte of it comes now and then, %s', async (_, head, byte) => {
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      socket.write(`HTTP/1.1 200 OK\r\n${head}`)
      for (let sent = 0; sent < 3000 && !socket.destroyed; sent++) {
        socket.write(byte)
        await after(5)
      }
    })
    const timeouts = { ...PATIENT, stallMs: 400 }
    await expect(failureOf(post(server.url, { timeouts }))).resolves.toMatchObject({
      code: 'ANSWER_LOST',
      message: expect.stringContaining('the answer stalled'),
    })
  })

  test.each([
    ['is cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":tr'],
    ['is cut off between chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    ['is cut off in its head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['changes the protocol', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n'],
  ])('when it %s', async (_, text) => {
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      socket.end(text)
    })
    await expect(failureOf(post(server.url))).resolves.toMatchObject({ code: 'ANSWER_LOST' })
  })

  test.each([
    ['never begins', '', { answerMs: 400 }],
    ['stalls after its head', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n', { stallMs: 400 }],
    ['stalls in its body', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok', { stallMs: 400 }],
  ])('when it %s', async (_, text, bound) => {
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      socket.write(text)
      await once(socket, 'close')
    })
    const timeouts = { ...PATIENT, ...bound }
    await expect(failureOf(post(server.url, { timeouts }))).resolves.toMatchObject({ code: 'ANSWER_LOST' })
  })
})
