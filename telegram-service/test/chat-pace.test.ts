import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChatPace } from '#bot-api/chat-pace.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { settled, VirtualClock } from '#test/virtual-clock.ts'

/** The most events in any 60 seconds, the end not included. */
function mostInAMinute(times: readonly number[]): number {
  return Math.max(0, ...times.map(from => times.filter(at => at >= from && at < from + 60_000).length))
}

/** When so many messages that ask at once may go, in milliseconds of the clock. */
async function timesOf(
  count: number,
  { pace, clock }: { pace: ChatPace; clock: VirtualClock },
): Promise<number[]> {
  const entered: number[] = []
  for (let message = 0; message < count; message++) {
    void pace.enter({}).then(slot => {
      entered.push(clock.now())
      slot.done()
    })
  }
  await clock.runOut()
  return entered
}

describe('the pace', () => {
  test('counts what others sent in the last minute, until that is a minute ago', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(3, clock)
    const earlier = [10_000, 59_000, 70_000].map(ageMs => ({ run: 'theirs', key: `theirs/${ageMs}`, ageMs }))
    pace.countEarlier({ run: 'ours', earlier })
    expect(await timesOf(3, { pace, clock })).toEqual([0, 1_000, 50_000])
  })

  test('counts no message twice: not its own, when its next run is told of them, nor those of others, when two runs are', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(4, clock)
    pace.countEarlier({ run: 'first', earlier: [] })
    ;(await pace.enter({})).done()
    const own = { run: 'first', key: 'first/1', ageMs: 0 }
    const foreign = (ageMs: number) => ({ run: 'theirs', key: 'theirs/1', ageMs })
    pace.countEarlier({ run: 'second', earlier: [own, foreign(0)] })
    pace.countEarlier({ run: 'third', earlier: [own, foreign(0)] })
    expect(await timesOf(3, { pace, clock })).toEqual([0, 0, 60_000])
  })

  test('counts what another process sent for a run that goes on here, and what was under way by when it was sent', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(2, clock)
    const before = { run: 'resumed', key: 'resumed/1', ageMs: 10_000 }
    const underWay = { run: 'theirs', key: 'theirs/1', ageMs: 0 }
    pace.countEarlier({ run: 'resumed', earlier: [before, underWay] })
    pace.countEarlier({
      run: 'next',
      earlier: [
        { ...before, ageMs: 20_000 },
        { ...underWay, ageMs: 5_000 },
      ],
    })
    const entered: number[] = []
    for (let message = 0; message < 2; message++) {
      void pace.enter({}).then(slot => {
        entered.push(clock.now())
        slot.done()
      })
    }
    await clock.runOut()
    expect(entered).toEqual([50_000, 55_000])
  })

  test('holds for any starts and durations, wherever between start and end the server counts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(
          fc.record({
            startMs: fc.integer({ min: 0, max: 200_000 }),
            durationMs: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 150_000 })),
            countedAt: fc.constantFrom(0, 1, 0.5, 0.001, 0.999),
          }),
          { maxLength: 25 },
        ),
        async (perMinute, messages) => {
          const clock = new VirtualClock()
          const pace = new ChatPace(perMinute, clock)
          const counted: number[] = []
          let underWay = 0
          for (const { startMs, durationMs, countedAt } of messages) {
            void clock.sleep(startMs).then(async () => {
              const slot = await pace.enter({})
              expect(++underWay).toBeLessThanOrEqual(perMinute)
              counted.push(clock.now() + durationMs * countedAt)
              await clock.sleep(durationMs)
              underWay--
              slot.done()
              slot.done()
            })
          }
          await clock.runOut()
          expect(counted).toHaveLength(messages.length)
          expect(mostInAMinute(counted)).toBeLessThanOrEqual(perMinute)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('lets a whole minute’s number go in a burst, and is not slower than it must be', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(20, clock)
    const started: number[] = []
    for (let message = 0; message < 45; message++) {
      void pace.enter({}).then(slot => {
        started.push(clock.now())
        slot.done()
      })
    }
    await clock.runOut()
    expect(started).toEqual([...Array(20).fill(0), ...Array(20).fill(60_000), ...Array(5).fill(120_000)])
  })

  test('keeps the order of those who wait', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(2, clock)
    const order: number[] = []
    for (let message = 0; message < 9; message++) {
      void pace.enter({}).then(async slot => {
        order.push(message)
        await clock.sleep(1000)
        slot.done()
      })
    }
    await clock.runOut()
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('tells once how long the wait is, and nobody who need not wait', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(1, clock)
    const told: number[] = []
    const first = await pace.enter({ onWait: ms => told.push(ms) })
    first.done()
    const second = pace.enter({ onWait: ms => told.push(ms) })
    await clock.runOut()
    ;(await second).done()
    expect(told).toEqual([60_000])
  })

  test('tells also when the wait only begins while others are under way', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(1, clock)
    const told: number[] = []
    const first = await pace.enter({})
    const second = pace.enter({ onWait: ms => told.push(ms) })
    await settled()
    expect(told).toEqual([])
    first.done()
    expect(told).toEqual([60_000])
    await clock.runOut()
    ;(await second).done()
  })

  test('goes on for the others when somebody who is told throws', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(1, clock)
    ;(await pace.enter({})).done()
    const thrown = failureOf(
      pace.enter({
        onWait: () => {
          throw new Error('the progress bar broke')
        },
      }),
    )
    await expect(thrown).resolves.toMatchObject({ message: 'the progress bar broke' })
    expect(clock.sleepers).toBe(0)
    const next = pace.enter({})
    await clock.runOut()
    ;(await next).done()
    expect(clock.now()).toBe(60_000)
  })

  test('of 0 holds nobody', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(0, clock)
    for (let message = 0; message < 1000; message++) await pace.enter({})
    expect(clock.sleepers).toBe(0)
  })
})

describe('a cancel', () => {
  test('frees its place in the queue at once, wherever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), async stays => {
        const clock = new VirtualClock()
        const pace = new ChatPace(1, clock)
        const first = await pace.enter({})
        const entered: number[] = []
        const cancelled: number[] = []
        const cancels = stays.map(() => new AbortController())
        stays.forEach((_, index) => {
          pace
            .enter({ signal: (cancels[index] as AbortController).signal })
            .then(slot => {
              entered.push(index)
              slot.done()
            })
            .catch(error => {
              expect(error.code).toBe('CANCELLED')
              cancelled.push(index)
            })
        })
        first.done()
        await settled()
        stays.forEach((stay, index) => {
          if (!stay) cancels[index]?.abort()
        })
        await settled()
        // Nobody had to wait for a minute to learn it.
        expect(clock.now()).toBe(0)
        expect(cancelled).toEqual(stays.flatMap((stay, index) => (stay ? [] : [index])))
        await clock.runOut()
        expect(entered).toEqual(stays.flatMap((stay, index) => (stay ? [index] : [])))
      }),
      { numRuns: 60 },
    )
  })

  test('of the last who waits leaves no timer behind', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(1, clock)
    ;(await pace.enter({})).done()
    const cancel = new AbortController()
    const waiting = failureOf(pace.enter({ signal: cancel.signal }))
    await settled()
    expect(clock.sleepers).toBe(1)
    cancel.abort()
    await expect(waiting).resolves.toMatchObject({ code: 'CANCELLED' })
    expect(clock.sleepers).toBe(0)
  })

  test('that came before takes no place', async () => {
    const clock = new VirtualClock()
    const pace = new ChatPace(1, clock)
    await expect(failureOf(pace.enter({ signal: AbortSignal.abort() }))).resolves.toMatchObject({
      code: 'CANCELLED',
    })
    ;(await pace.enter({})).done()
    expect(clock.now()).toBe(0)
  })
})
