import { once } from 'node:events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { failureOf, PATIENT, post } from '#test/odd-exchange.ts'
import { oddServer } from '#test/odd-server.ts'

const LARGE = [Buffer.alloc(19 * 1024 * 1024, 7)]

describe('a cancel', () => {
  test('beforehand opens no connection', async () => {
    const server = await oddServer(({ json }) => json(200, {}))
    await expect(failureOf(post(server.url, { signal: AbortSignal.abort() }))).resolves.toMatchObject({
      code: 'CANCELLED',
    })
    expect(server.connections.size + server.heads.length).toBe(0)
  })

  test('while the body goes out cuts it off, so that the server never has all of it', async () => {
    const cancel = new AbortController()
    let isWhole = false
    const gone: Promise<void>[] = []
    const server = await oddServer(async ({ socket, readBody }) => {
      gone.push(once(socket, 'close').then(() => {}))
      await readBody(1_000_000)
      cancel.abort()
      await readBody()
      isWhole = true
    })
    const error = await failureOf(post(server.url, { body: LARGE, signal: cancel.signal }))
    expect(error.code).toBe('CANCELLED')
    await Promise.all(gone)
    expect(isWhole).toBe(false)
  })

  test('by the listener of the bytes, at any of its calls, never cuts off a request that is out whole', async () => {
    // Calls of onBytesOut for this body: a few, the last one with everything out.
    const body = [Buffer.alloc(300_000), Buffer.from('tail')]
    for (let call = 1; call < 8; call++) {
      let isWhole = false
      const closed: Promise<unknown>[] = []
      const server = await oddServer(async ({ socket, readBody, json }) => {
        closed.push(once(socket, 'close'))
        await readBody()
        isWhole = true
        json(200, {}, { Connection: 'close' })
        socket.end()
      })
      const cancel = new AbortController()
      let calls = 0
      const onBytesOut = (): void => {
        if (++calls === call) cancel.abort()
      }
      const outcome = await post(server.url, { body, signal: cancel.signal, onBytesOut }).then(
        answer => answer.status,
        error => error.code,
      )
      await Promise.all(closed)
      expect({ call, outcome }).toEqual({ call, outcome: isWhole ? 200 : 'CANCELLED' })
    }
  })

  test('of a send whose body is out waits for the answer, which alone tells the message', async () => {
    const cancel = new AbortController()
    const server = await oddServer(async ({ readBody, json }) => {
      await readBody()
      cancel.abort()
      await new Promise(resolve => setTimeout(resolve, 20))
      json(200, { ok: true })
    })
    const answer = await post(server.url, { signal: cancel.signal })
    expect(answer.body.toString()).toBe('{"ok":true}')
  })

  test('of a send whose body is out does not wait for ever', async () => {
    const cancel = new AbortController()
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      cancel.abort()
      await once(socket, 'close')
    })
    const timeouts = { ...PATIENT, answerAfterCancelMs: 50 }
    await expect(failureOf(post(server.url, { signal: cancel.signal, timeouts }))).resolves.toMatchObject({
      code: 'ANSWER_LOST',
    })
  })

  test('of a send is not put off by an answer that drips', async () => {
    const cancel = new AbortController()
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n')
      cancel.abort()
      const drip = setInterval(() => socket.write('x'), 5)
      await once(socket, 'close')
      clearInterval(drip)
    })
    const timeouts = { ...PATIENT, answerAfterCancelMs: 50 }
    await expect(failureOf(post(server.url, { signal: cancel.signal, timeouts }))).resolves.toMatchObject({
      code: 'ANSWER_LOST',
    })
  })

  test('of a read does not wait for its answer', async () => {
    const cancel = new AbortController()
    const server = await oddServer(async ({ socket, readBody }) => {
      await readBody()
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf of it')
      cancel.abort()
      await once(socket, 'close')
    })
    const error = await failureOf(post(server.url, { signal: cancel.signal, repeatable: true }))
    expect(error.code).toBe('CANCELLED')
  })

  test('after the end does nothing', async () => {
    const cancel = new AbortController()
    const server = await oddServer(async ({ readBody, json }) => {
      await readBody()
      json(200, {})
    })
    expect((await post(server.url, { signal: cancel.signal })).status).toBe(200)
    cancel.abort()
  })
})

describe('connections', () => {
  test('are one per send, and shared by reads', async () => {
    const sockets = new Set<unknown>()
    const server = await oddServer(async ({ socket, readBody, json }) => {
      sockets.add(socket)
      await readBody()
      json(200, {})
    })
    for (let count = 0; count < 3; count++) await post(server.url, { repeatable: true })
    expect(sockets.size).toBe(1)
    for (let count = 0; count < 3; count++) await post(server.url)
    expect(sockets.size).toBe(4)
  })

  test('of sends are closed when their exchange has ended', async () => {
    const server = await oddServer(async ({ socket, readBody, json }) => {
      closed.push(once(socket, 'close'))
      await readBody()
      json(200, {})
    })
    const closed: Promise<unknown>[] = []
    await post(server.url, { body: LARGE })
    await Promise.all(closed)
    expect(server.connections.size).toBe(0)
  })

  test('do not let more than sixteen reads at once fail for lack of one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const timeouts = { ...PATIENT, connectMs: 500 }
    const areAllBusy = Promise.withResolvers<void>()
    const server = await oddServer(async ({ readBody, json }, count) => {
      await readBody()
      if (count === 16) {
        // The others have waited for longer than for a connection.
        vi.advanceTimersByTime(2 * timeouts.connectMs)
        areAllBusy.resolve()
      }
      await areAllBusy.promise
      json(200, {})
    })
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => post(server.url, { repeatable: true, timeouts })),
    )
    expect(answers.map(answer => answer.status)).toEqual(Array(40).fill(200))
  })
})
