import { createServer } from 'node:net'
import { type Listener, startListener } from '@telegram-backup/test-support/listener.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createLogger } from '#logging.ts'
import { startHeartbeat } from '#monitoring/heartbeat.ts'
import { callUrl } from '#monitoring/http-call.ts'

let listener: Listener
beforeAll(async () => {
  listener = await startListener()
})
afterAll(() => listener.close())
beforeEach(() => {
  listener.heard.length = 0
  listener.answerWith(200)
})

describe('a call of a URL from the configuration', () => {
  test('posts JSON, or gets, and gives user and password in a header', async () => {
    const body = { id: 'n1', text: 'ä' }
    await callUrl(new URL(`${listener.url}/hook?x=1`), { body })
    await callUrl(new URL(listener.url.replace('http://', 'http://clerk:s%40cret@')))
    expect(listener.heard).toMatchObject([
      {
        method: 'POST',
        path: '/hook?x=1',
        body: '{"id":"n1","text":"ä"}',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'n1' },
      },
      { method: 'GET', headers: { authorization: `Basic ${btoa('clerk:s@cret')}` } },
    ])
  })

  test('follows no redirect, and takes only 2xx for an answer', async () => {
    for (const answer of [`${listener.url}/elsewhere`, 404, 410]) {
      listener.answerWith(answer)
      await expect(callUrl(new URL(`${listener.url}/secret-path`))).rejects.toMatchObject({ code: 'REFUSED' })
    }
    expect(listener.heard.map(({ path }) => path)).toEqual(Array(3).fill('/secret-path'))
    for (const answer of [429, 503]) {
      listener.answerWith(answer)
      await expect(callUrl(new URL(listener.url))).rejects.toMatchObject({ code: 'UNREACHABLE' })
    }
  })

  test('waits no longer than it may, also for a server that accepts and says nothing', async () => {
    const mute = createServer(() => {}).listen(0, '127.0.0.1')
    await new Promise(resolve => mute.once('listening', resolve))
    const { port } = mute.address() as { port: number }
    const call = callUrl(new URL(`http://127.0.0.1:${port}/`), { timeLimitMs: 100 })
    await expect(call).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: `127.0.0.1:${port} did not answer in time`,
    })
    mute.close()
  })

  test('says in its errors neither path nor password', async () => {
    const gone = await startListener()
    await gone.close()
    const url = new URL(`${gone.url.replace('http://', 'http://clerk:s3cret@')}/s3cret`)
    const lines: string[] = []
    const log = createLogger({ stream: { write: line => lines.push(line) } })
    const error = await callUrl(url).catch((reason: unknown) => reason)
    log.error({ error }, 'failed')
    expect(error).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('ECONNREFUSED') })
    expect(lines.join('')).not.toContain('s3cret')
  })
})

describe('the heartbeat', () => {
  const log = createLogger({ level: 'silent' })
  const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

  test('is heard only while all is well, and goes on after nobody listened', async () => {
    let isWell = false
    const heartbeat = startHeartbeat({ url: new URL(listener.url), everyMs: 20, isWell: () => isWell, log })
    try {
      await pause(100)
      expect(listener.heard).toHaveLength(0)
      isWell = true
      await expect.poll(() => listener.heard.length).toBeGreaterThan(2)
      listener.answerWith(500)
      await pause(60)
      listener.answerWith(200)
      const before = listener.heard.length
      await expect.poll(() => listener.heard.length).toBeGreaterThan(before)
      isWell = false
      // The last one may still be under way; then none comes any more.
      let last = 0
      while (last !== listener.heard.length) {
        last = listener.heard.length
        await pause(150)
      }
    } finally {
      await heartbeat.stop()
    }
    expect(listener.heard.every(({ method }) => method === 'GET')).toBe(true)
  })
})
