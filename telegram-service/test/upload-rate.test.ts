import { setTimeout as after, setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UploadRate } from '#bot-api/upload-rate.ts'
import { createTelegramClient } from '#index.ts'
import { failureOf, PATIENT, post } from '#test/odd-exchange.ts'
import { oddServer } from '#test/odd-server.ts'
import { TOKEN } from '#test/token-forms.ts'
import { VirtualClock } from '#test/virtual-clock.ts'

const NEVER = new AbortController().signal

describe('the rate', () => {
  test('holds over any stretch of time, for any uploads side by side, and wastes none of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1024, max: 50_000_000 }),
        fc.array(
          fc.record({
            startMs: fc.integer({ min: 0, max: 20_000 }),
            pieces: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        async (bytesPerSecond, uploads) => {
          const clock = new VirtualClock()
          const rate = new UploadRate(bytesPerSecond, clock)
          const granted: Array<{ atMs: number; bytes: number }> = []
          const upload = async ({ startMs, pieces }: (typeof uploads)[number]): Promise<void> => {
            await clock.sleep(startMs)
            for (const share of pieces) {
              const bytes = Math.ceil(share * rate.pieceBytes)
              await rate.take(bytes, NEVER)
              granted.push({ atMs: clock.now(), bytes })
            }
          }
          const all = Promise.all(uploads.map(upload))
          await clock.runOut()
          await all
          for (const [index, { atMs: from }] of granted.entries()) {
            let bytes = 0
            for (const { atMs, bytes: more } of granted.slice(index)) {
              bytes += more
              const allowed = bytesPerSecond * ((atMs - from) / 1000 + 0.1) + rate.pieceBytes
              expect(bytes).toBeLessThanOrEqual(allowed + 1)
            }
          }
          const total = granted.reduce((sum, { bytes }) => sum + bytes, 0)
          const lastStartMs = Math.max(...uploads.map(({ startMs }) => startMs))
          expect(clock.now()).toBeLessThanOrEqual(lastStartMs + (total / bytesPerSecond) * 1000 + 1)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('is shared equally by uploads that run side by side', async () => {
    const clock = new VirtualClock()
    const rate = new UploadRate(100_000, clock)
    const order: number[] = []
    const upload = async (name: number): Promise<void> => {
      for (let piece = 0; piece < 10; piece++) {
        await rate.take(rate.pieceBytes, NEVER)
        order.push(name)
      }
    }
    const all = Promise.all([upload(1), upload(2), upload(3)])
    await clock.runOut()
    await all
    for (let round = 0; round < 10; round++) {
      expect(order.slice(round * 3, round * 3 + 3).sort()).toEqual([1, 2, 3])
    }
  })

  test('makes up for late timers, and for no more than a tenth of a second', async () => {
    const clock = new VirtualClock()
    const rate = new UploadRate(1_000_000, clock)
    await rate.take(50_000, NEVER)
    void clock.sleep(3_600_000)
    await clock.runOut()
    const start = clock.now()
    const takes = (async () => {
      for (let piece = 0; piece < 40; piece++) await rate.take(50_000, NEVER)
    })()
    await clock.runOut()
    await takes
    // Forty pieces take 2 s; the last is let go when the others are out, a tenth of a second is the credit.
    expect(clock.now() - start).toBeCloseTo(2000 - 50 - 100, 3)
  })

  test('lets go at once of who cancels, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const rate = new UploadRate(1024, clock)
    const cancel = new AbortController()
    await rate.take(1024, NEVER)
    const waiting = rate.take(1024, cancel.signal)
    cancel.abort()
    await expect(failureOf(waiting)).resolves.toMatchObject({ code: 'CANCELLED' })
    expect(clock.sleepers).toBe(0)
    await expect(failureOf(rate.take(1, cancel.signal))).resolves.toMatchObject({ code: 'CANCELLED' })
    expect(clock.sleepers).toBe(0)
  })

  test.each([1023, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])('of %s is refused', bytesPerSecond => {
    const create = (): unknown => createTelegramClient({ token: TOKEN, uploadBytesPerSecond: bytesPerSecond })
    expect(create).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })

  test.each([
    [1024, 1024],
    [80_000, 10_000],
    [1e9, 65_536],
  ])('of %i asks for pieces of %i bytes', (bytesPerSecond, pieceBytes) => {
    expect(new UploadRate(bytesPerSecond).pieceBytes).toBe(pieceBytes)
  })
})

describe('an upload with a rate', () => {
  const BODY = [Buffer.from('head'), Buffer.alloc(300_000, 7), Buffer.from('tail')]

  /** Lets time pass until the work is done. */
  async function runUntil<Result>(clock: VirtualClock, work: Promise<Result>): Promise<Result> {
    let isDone = false
    const done = (): void => {
      isDone = true
    }
    work.then(done, done)
    while (!isDone) {
      await clock.runOut()
      await turn()
    }
    return work
  }

  test('takes its time, arrives whole, and counts again when it is made again', async () => {
    const clock = new VirtualClock()
    const rate = new UploadRate(100_000, clock)
    const bodies: Buffer[] = []
    const server = await oddServer(async ({ readBody, json }) => {
      bodies.push(Buffer.from(await readBody()))
      json(429, {})
    })
    for (const round of [1, 2]) {
      await runUntil(clock, post(server.url, { body: BODY, rate }))
      expect(clock.now()).toBeGreaterThan(round * 3000 - 250)
      expect(clock.now()).toBeLessThan(round * 3000 + 1)
    }
    for (const body of bodies) expect(body.equals(Buffer.concat(BODY))).toBe(true)
  })

  test('does not stall while it waits for its turn, however long', async () => {
    const clock = new VirtualClock()
    const server = await oddServer(async ({ readBody, json }) => {
      await readBody()
      json(200, {})
    })
    const rate = new UploadRate(1024, clock)
    const sending = post(server.url, {
      body: [Buffer.alloc(10_000)],
      rate,
      timeouts: { ...PATIENT, stallMs: 400 },
    })
    while (clock.sleepers === 0) await turn()
    await after(1_000)
    expect((await runUntil(clock, sending)).status).toBe(200)
  })

  test('still stalls when the line does', async () => {
    const clock = new VirtualClock()
    const server = await oddServer(() => new Promise(() => {}))
    const rate = new UploadRate(1e9, clock)
    const body = [Buffer.alloc(50_000_000)]
    const sending = failureOf(post(server.url, { body, rate, timeouts: { ...PATIENT, stallMs: 60 } }))
    await expect(runUntil(clock, sending)).resolves.toMatchObject({ code: 'UNREACHABLE' })
    expect(clock.sleepers).toBe(0)
  })

  test.each<
    [string, (server: { connections: Set<{ destroy(): void }> }, cancel: AbortController) => void, string]
  >([
    ['is cancelled', (_, cancel) => cancel.abort(), 'CANCELLED'],
    [
      'loses its connection',
      ({ connections }) => {
        for (const connection of connections) connection.destroy()
      },
      'UNREACHABLE',
    ],
  ])('that %s while it waits ends at once, and leaves neither timer nor connection', async (_, end, code) => {
    const clock = new VirtualClock()
    const server = await oddServer(() => new Promise(() => {}))
    const cancel = new AbortController()
    const rate = new UploadRate(1024, clock)
    const sending = failureOf(post(server.url, { body: [Buffer.alloc(50_000)], rate, signal: cancel.signal }))
    while (clock.sleepers === 0 || server.connections.size === 0) await turn()
    end(server, cancel)
    await expect(sending).resolves.toMatchObject({ code })
    expect(clock.sleepers).toBe(0)
    while (server.connections.size > 0) await turn()
  })

  test('that is refused while it waits hears the refusal', async () => {
    const clock = new VirtualClock()
    const server = await oddServer(({ json }) => json(413, { ok: false }))
    const rate = new UploadRate(1024, clock)
    const answer = await post(server.url, { body: [Buffer.alloc(50_000)], rate })
    expect(answer.status).toBe(413)
    expect(clock.sleepers).toBe(0)
  })
})
