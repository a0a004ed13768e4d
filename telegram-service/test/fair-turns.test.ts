import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChatPace, type PaceSlot } from '#bot-api/chat-pace.ts'
import { emulatedChat } from '#test/emulated-chat.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { settled, VirtualClock } from '#test/virtual-clock.ts'

/** A message of a flow: when it asks, and when it got its turn. */
interface Message {
  flow: string
  askedAt: number
  order: number
}

const DOCUMENT = { fileName: 'a.bin', bytes: Buffer.from('x'), caption: '' }

/** Messages that ask one after the other, some of them when others have gone. */
const arrivals = fc.array(fc.record({ flow: fc.constantFrom('a', 'b', 'c', 'd'), goFirst: fc.nat(3) }), {
  minLength: 1,
  maxLength: 40,
})

/**
 * Lets the messages ask, and `goFirst` others go before each; returns them in the order in which they went.
 */
async function goInTurn(asked: readonly { flow: string; goFirst: number }[]): Promise<Message[]> {
  const clock = new VirtualClock()
  const pace = new ChatPace(1, clock)
  // So that all that follow wait.
  let under: PaceSlot | undefined = await pace.enter({})
  const gone: Message[] = []
  const goOne = async (): Promise<void> => {
    under?.release()
    under = undefined
    await settled()
  }
  for (const [order, { flow, goFirst }] of asked.entries()) {
    for (let count = 0; count < goFirst; count++) await goOne()
    const message = { flow, askedAt: gone.length, order }
    void pace.enter({ flow }).then(slot => {
      gone.push(message)
      under = slot
    })
    await settled()
  }
  while (gone.length < asked.length) await goOne()
  return gone
}

describe('turns', () => {
  test('of a flow come in its own order, and at most one message of each other flow goes before each of them', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async asked => {
        const gone = await goInTurn(asked)
        for (const [at, message] of gone.entries()) {
          const own = gone.filter(({ flow }) => flow === message.flow)
          expect(own.map(({ order }) => order)).toEqual(
            own.map(({ order }) => order).toSorted((a, b) => a - b),
          )
          // Since this message asked, or the one of its flow before it went.
          const before = gone.slice(0, at).findLastIndex(({ flow }) => flow === message.flow)
          const since = gone.slice(Math.max(before + 1, message.askedAt), at)
          const others = since.map(({ flow }) => flow)
          expect(new Set(others).size).toBe(others.length)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('of many messages that wait in one flow do not hold up the first one of another', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(1, clock)
    const entered: string[] = []
    const send = (flow: string): void => {
      void pace.enter({ flow }).then(slot => {
        entered.push(flow)
        slot.done()
      })
    }
    for (let message = 0; message < 5; message++) send('backup')
    await settled()
    for (let message = 0; message < 3; message++) send('doors')
    await clock.runOut()
    expect(entered).toEqual(['backup', 'backup', 'doors', 'backup', 'doors', 'backup', 'doors', 'backup'])
  })

  test('that were not used count for nothing, and a chat is idle only without anybody who waits', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(1, clock)
    expect(pace.isIdle()).toBe(true)
    const unused = await pace.enter({})
    expect(pace.isIdle()).toBe(false)
    unused.release()
    unused.done()
    expect(pace.isIdle()).toBe(true)
    ;(await pace.enter({})).done()
    expect(pace.isIdle()).toBe(false)
  })
})

describe('a turn that was taken before', () => {
  test('is used by the document that follows, which then waits for nobody', async () => {
    const chat = await emulatedChat()
    const client = chat.createClient({ messagesPerMinute: 2 })
    const chatId = String(chat.chatId)
    const turn = await client.takeTurn(chatId, { flow: 'doors' })
    await client.sendDocument({ chatId, ...DOCUMENT })
    expect(client.isIdle(chatId)).toBe(false)
    // Both messages of the minute are taken: without its turn it would wait for a minute.
    await client.sendDocument({ chatId, ...DOCUMENT }, { turn })
    turn.release()
    expect(chat.messages()).toHaveLength(2)
    const cancel = new AbortController()
    const third = failureOf(client.takeTurn(chatId, { signal: cancel.signal }))
    await settled()
    cancel.abort()
    await expect(third).resolves.toMatchObject({ code: 'CANCELLED' })
  })

  test('serves one message: the second try after a flood wait takes its own', async () => {
    const chat = await emulatedChat()
    const client = chat.createClient({ messagesPerMinute: 3 })
    const chatId = String(chat.chatId)
    chat.emulator.faults.on('sendDocument', { call: 1 }, { kind: 'flood', retryAfterSeconds: 1 })
    const turn = await client.takeTurn(chatId, {})
    await client.sendDocument({ chatId, ...DOCUMENT }, { turn })
    expect(turn.claim()).toBeUndefined()
    expect(chat.messages()).toHaveLength(1)
    // The refused request and the message: one is left in this minute.
    ;(await client.takeTurn(chatId, {})).release()
    await client.sendDocument({ chatId, ...DOCUMENT })
    expect(client.isIdle(chatId)).toBe(false)
  })
})
