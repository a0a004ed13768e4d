import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChatPace } from '#bot-api/chat-pace.ts'
import { estimateSend } from '#index.ts'
import { VirtualClock } from '#test/virtual-clock.ts'

const PART_SIZE_BYTES = 20_000_000
const ENDLESS = { partSizeBytes: PART_SIZE_BYTES }

/** How long the pace itself takes over so many parts and a manifest, sent one after the other. */
async function pacedSeconds(send: { parts: number; partMs: number; perMinute: number }): Promise<number> {
  const clock = new VirtualClock()
  const pace = new ChatPace(send.perMinute, clock)
  const all = (async () => {
    for (let number = 1; number <= send.parts + 1; number++) {
      const slot = await pace.enter({})
      if (number <= send.parts && send.partMs > 0) await clock.sleep(send.partMs)
      slot.done()
    }
    return clock.now() / 1000
  })()
  await clock.runOut()
  return all
}

describe('the estimate of a send', () => {
  test('is what the pace takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100_000 })),
        fc.integer({ min: 0, max: 25 }),
        async (parts, partMs, perMinute) => {
          const { messages, seconds } = estimateSend({
            archiveBytes: parts * PART_SIZE_BYTES,
            partSizeBytes: PART_SIZE_BYTES,
            messagesPerMinute: perMinute,
            ...(partMs === 0 ? {} : { bytesPerSecond: (PART_SIZE_BYTES / partMs) * 1000 }),
          })
          expect(messages).toBe(parts + 1)
          expect(seconds).toBeCloseTo(await pacedSeconds({ parts, partMs, perMinute }), 1)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('is never less for more bytes, a slower line or a slower pace', () => {
    const anything = fc.record({
      archiveBytes: fc.integer({ min: 0, max: 1e12 }),
      partSizeBytes: fc.integer({ min: 64 * 1024, max: 2e9 }),
      messagesPerMinute: fc.integer({ min: 1, max: 30 }),
      bytesPerSecond: fc.integer({ min: 1024, max: 1e9 }),
    })
    fc.assert(
      fc.property(anything, send => {
        const { seconds } = estimateSend(send)
        expect(seconds).toBeGreaterThanOrEqual(send.archiveBytes / send.bytesPerSecond - 1e-6)
        const slower = [
          { ...send, bytesPerSecond: send.bytesPerSecond / 2 },
          { ...send, messagesPerMinute: Math.ceil(send.messagesPerMinute / 2) },
          { ...send, archiveBytes: send.archiveBytes * 2 },
        ]
        for (const other of slower) {
          expect(estimateSend(other).seconds).toBeGreaterThanOrEqual(seconds - Math.abs(seconds) * 1e-9)
        }
      }),
    )
  })

  test('allows a burst up to the pace', () => {
    const messagesPerMinute = 20
    const parts = (count: number): number =>
      estimateSend({ ...ENDLESS, archiveBytes: count * PART_SIZE_BYTES, messagesPerMinute }).seconds
    expect(parts(1)).toBe(0)
    // The manifest is the twentieth message.
    expect(parts(19)).toBe(0)
    expect(parts(20)).toBe(60)
    expect(parts(39)).toBe(60)
    expect(parts(40)).toBe(120)
  })

  test('of nothing is one part and a manifest', () => {
    expect(estimateSend({ ...ENDLESS, archiveBytes: 0, messagesPerMinute: 20, bytesPerSecond: 1e6 })).toEqual(
      {
        messages: 2,
        seconds: 0,
      },
    )
  })
})
