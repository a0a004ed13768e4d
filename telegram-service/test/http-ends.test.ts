import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createTelegramClient } from '#index.ts'
import { failureOf, post } from '#test/odd-exchange.ts'
import { oddServer } from '#test/odd-server.ts'

const LARGE_BYTES = 19 * 1024 * 1024

async function earlyRefusalServer(answerAfterBytes: number): Promise<string> {
  const program = fileURLToPath(import.meta.resolve('#test/early-refusal-server.ts'))
  const child = fork(program, [String(answerAfterBytes)], { execArgv: [] })
  onTestFinished(async () => {
    const exited = once(child, 'exit')
    child.disconnect()
    await exited
  })
  const [port] = await once(child, 'message')
  return `http://127.0.0.1:${port}`
}

describe('a server that refuses early', () => {
  test('and then reads on is heard', async () => {
    const server = await oddServer(async ({ json, readBody }) => {
      json(413, { ok: false, description: 'Request Entity Too Large' })
      await readBody().catch(() => {})
    })
    const answer = await post(server.url, { body: [Buffer.alloc(LARGE_BYTES)] })
    expect(answer.status).toBe(413)
  })

  test.each([true, false])(
    'gets no more of the body once its answer has begun (repeatable: %s)',
    async repeatable => {
      let isWhole = false
      const closed: Promise<unknown>[] = []
      const server = await oddServer(async ({ socket, readBody }) => {
        closed.push(once(socket, 'close'))
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n')
        const whole = readBody().then(
          () => {
            isWhole = true
          },
          () => {},
        )
        await Promise.race([whole, after(150)])
        socket.write('{}')
        await whole
      })
      const answer = await post(server.url, { body: [Buffer.alloc(LARGE_BYTES)], repeatable })
      expect(answer.status).toBe(413)
      expect(isWhole).toBe(false)
      // A connection on which half a request lies is of no more use.
      await Promise.all(closed)
    },
  )

  test.each([1, 70_000, 10_000_000])(
    'after %i bytes and closes at once is taken at its word',
    async afterBytes => {
      const apiRoot = await earlyRefusalServer(afterBytes)
      const client = createTelegramClient({
        token: '7000000001:AAabcdefghijklmnopqrstuvwxyz012345',
        apiRoot,
        // The reset can still overtake the answer; then the request counts as never made, and goes once more.
        policy: { maxTries: 40, transferTries: 40, retryPauseMs: 1 },
      })
      const document = { chatId: '-1', fileName: 'part.age', bytes: Buffer.alloc(LARGE_BYTES), caption: '' }
      for (let round = 0; round < 12; round++) {
        await expect(failureOf(client.sendDocument(document))).resolves.toMatchObject({
          code: 'REFUSED',
          errorCode: 413,
          description: 'Request Entity Too Large',
        })
      }
    },
  )
})

describe('when its exchanges have ended', () => {
  test('a process has nothing left that keeps it', async () => {
    const answering = await oddServer(async ({ readBody, json }) => {
      await readBody()
      json(200, {})
    })
    const resetting = await oddServer(async ({ readBody, socket }) => {
      await readBody()
      socket.resetAndDestroy()
    })
    const stalling = await oddServer(async ({ readBody }) => {
      await readBody()
      await new Promise(() => {})
    })
    const refusing = await oddServer(({ answer, socket }) => {
      answer(413, '')
      socket.destroySoon()
    })
    const program = fileURLToPath(import.meta.resolve('#test/exchange-and-end.ts'))
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, answering.url, resetting.url, stalling.url, refusing.url],
      { timeout: 100_000 },
    )
    expect(stdout).toMatch(
      /^200 200 200 UNPROVEN ANSWER_LOST ANSWER_LOST ANSWER_LOST ANSWER_LOST (413|UNREACHABLE) UNREACHABLE$/,
    )
  })
})
