import { expect, test } from 'vitest'
import { ChatPace } from '#bot-api/chat-pace.ts'
import { createTelegramClient } from '#index.ts'
import { emulatedChat, QUICK_POLICY } from '#test/emulated-chat.ts'
import { sendSixParts } from '#test/failed-send.ts'
import { oddServer } from '#test/odd-server.ts'
import { TOKEN } from '#test/token-forms.ts'

/** A clock that stands still, and sleepers that wake when it is moved. */
function manualClock(): {
  now(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
  move(ms: number): void
} {
  let nowMs = 0
  const sleepers = new Set<{ atMs: number; wake: () => void }>()
  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise(resolve => {
        const sleeper = { atMs: nowMs + ms, wake: resolve }
        sleepers.add(sleeper)
        signal.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          resolve()
        })
      }),
    move: ms => {
      nowMs += ms
      for (const sleeper of [...sleepers]) {
        if (sleeper.atMs > nowMs) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}

test.each([0, 20])(
  'a wait that the server asks for holds the whole chat, at %i messages a minute',
  async pace => {
    const clock = manualClock()
    const chat = new ChatPace(pace, clock)
    const first = await chat.enter({})
    chat.hold(5000)
    first.done()
    const told: string[] = []
    let entered = 0
    const entering = [1, 2, 3].map(() =>
      chat.enter({ onWait: (ms, reason) => told.push(`${reason} ${ms}`) }).then(() => {
        entered++
      }),
    )
    clock.move(4999)
    await new Promise(resolve => setImmediate(resolve))
    expect(entered).toBe(0)
    expect(told).toEqual(['flood 5000', 'flood 5000', 'flood 5000'])
    clock.move(1)
    await Promise.all(entering)
    expect(entered).toBe(3)
  },
)

test('a shorter wait does not end a longer one', async () => {
  const clock = manualClock()
  const chat = new ChatPace(0, clock)
  chat.hold(5000)
  chat.hold(1000)
  let entered = false
  const entering = chat.enter({}).then(() => {
    entered = true
  })
  clock.move(4000)
  await new Promise(resolve => setImmediate(resolve))
  expect(entered).toBe(false)
  clock.move(1000)
  await entering
})

test('after a flood no part of the same run starts before the time is over', async () => {
  const chat = await emulatedChat()
  chat.emulator.faults.on('sendDocument', { call: 2 }, { kind: 'flood', retryAfterSeconds: 2 })
  const { result } = await sendSixParts(chat, { partsInFlight: 2 })
  expect(result.success).toBe(true)
  const sends = chat.emulator.inspect.requests().filter(({ method }) => method === 'senddocument')
  const flood = sends.find(({ status }) => status === 429)?.atMs ?? Number.NaN
  const tooEarly = sends.filter(({ atMs, status }) => status === 200 && atMs > flood && atMs < flood + 1900)
  // One other may have been under way when the flood came.
  expect(tooEarly.length).toBeLessThanOrEqual(1)
})

test('a hold that ends in the very moment it is asked about leaves nobody waiting', async () => {
  let nowMs = 0
  // Time goes on at each look at it, as it does.
  const clock = {
    now: () => nowMs++,
    sleep: async () => {
      nowMs += 1
    },
  }
  for (let holdMs = 1; holdMs < 40; holdMs++) {
    const chat = new ChatPace(0, clock)
    chat.hold(holdMs)
    await chat.enter({})
  }
  expect(nowMs).toBeGreaterThan(40)
})

test.each([1e9, 1e300])(
  'of a server that asks for %d seconds, once, the chat is asked again',
  async retry_after => {
    const server = await oddServer(async ({ json, readBody }, count) => {
      await readBody()
      const flood = {
        ok: false,
        error_code: 429,
        description: 'Too Many Requests',
        parameters: { retry_after },
      }
      const message = { message_id: 7, date: 1_800_000_000, chat: { id: -1, type: 'channel' }, text: 'a' }
      json(count === 1 ? 429 : 200, count === 1 ? flood : { ok: true, result: message })
    })
    const policy = { ...QUICK_POLICY, maxFloodWaitSeconds: 0.05 }
    const client = createTelegramClient({ token: TOKEN, apiRoot: server.url, policy })
    await expect(client.sendText('-1', 'a')).rejects.toMatchObject({ retryAfterSeconds: retry_after })
    await expect(client.sendText('-1', 'a')).resolves.toMatchObject({ messageId: 7 })
  },
)
