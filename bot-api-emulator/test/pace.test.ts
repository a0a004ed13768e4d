import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ApiRefusal } from '#answers.ts'
import { Pace, type Sending } from '#methods/pace.ts'
import { setStage } from '#test/bot-client.ts'

const ONE_POST: Sending = { botId: 1, chatId: -1, chatType: 'channel', count: 1 }

/** The wait that a refusal tells, in milliseconds. */
function refusedForMs(error: unknown): number {
  if (!(error instanceof ApiRefusal)) throw error
  return (error.parameters?.['retry_after'] ?? 0) * 1000
}

test('above the pace of a chat a bot gets 429 with the wait, and the wait is honest', async () => {
  await using stage = await setStage({
    clock: { now: () => 1_800_000_000_000 },
    limits: { messagesPerMinutePerChat: 2 },
  })
  const { emulator, chat, client } = stage
  const send = () => client.call('sendMessage', { chat_id: chat.id, text: 'a' })
  await send()
  emulator.clock.advance(20_000)
  await send()
  const refused = await send()
  expect([refused.status, refused.parameters, refused.headers.get('retry-after')]).toEqual([
    429,
    { retry_after: 40 },
    '40',
  ])
  emulator.clock.advance(40_000)
  expect((await send()).ok).toBe(true)
  const elsewhere = emulator.createChat({ type: 'channel', administrators: [{ bot: client.bot }] })
  expect((await client.call('sendMessage', { chat_id: elsewhere.id, text: 'a' })).ok).toBe(true)
})

test('no minute ever holds more than the pace allows, and after the wait told there is always room', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), steps, (limit, waits) => {
      let now = 1_800_000_000_000
      const pace = new Pace({ now: () => now }, { messagesPerMinutePerChat: limit, rates: 'off' })
      const sent: number[] = []
      for (const wait of waits) {
        now += wait
        try {
          pace.takeForMessages(ONE_POST)
        } catch (error) {
          now += refusedForMs(error)
          pace.takeForMessages(ONE_POST)
        }
        sent.push(now)
        expect(sent.filter(at => at > now - 60_000).length).toBeLessThanOrEqual(limit)
      }
    }),
  )
})
