import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { paceSeconds } from '#units/pace.ts'
import { ProgressMeter } from '#units/progress-meter.ts'

const MIB = 2 ** 20

/** A meter with a clock that is moved by hand, in seconds. */
function meterAt(messagesPerMinute = 0): { meter: ProgressMeter; pass: (seconds: number) => void } {
  let nowMs = 1_000_000
  const meter = new ProgressMeter({ messagesPerMinute, now: () => nowMs })
  return {
    meter,
    pass: seconds => {
      nowMs += seconds * 1000
    },
  }
}

/** When the last of so many messages goes at the earliest, found by trying each tenth of a second. */
function lastOut(messages: number, perMinute: number, sentAt: readonly number[]): number {
  const times = [...sentAt]
  let tenths = 0
  for (let left = messages; left > 0; ) {
    const inWindow = times.filter(at => at > tenths - 600).length
    if (inWindow < perMinute) {
      times.push(tenths)
      left--
    } else tenths++
  }
  return tenths / 10
}

describe('the time that messages take at the pace', () => {
  test('is what a chat takes that counts the messages of every minute', () => {
    const earlier = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 8 })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        earlier,
        (messages, perMinute, tenths) => {
          const ages = tenths.toSorted((a, b) => b - a).slice(-perMinute)
          const seconds = paceSeconds({ messages, perMinute, agesSeconds: ages.map(age => age / 10) })
          const sentAt = ages.map(age => -age)
          expect(seconds).toBeCloseTo(lastOut(messages, perMinute, sentAt), 6)
        },
      ),
    )
  })

  test('a burst is free, the next minute is not', () => {
    const pace = { perMinute: 20, agesSeconds: [] }
    expect([1, 20, 21, 40, 41].map(messages => paceSeconds({ ...pace, messages }))).toEqual([
      0, 0, 60, 60, 120,
    ])
  })
})

describe('a progress meter', () => {
  test('never goes back, and gives numbers or nothing, whatever it is told', () => {
    const event = fc.oneof(
      fc.record({ pass: fc.double({ min: 0, max: 1e4, noNaN: true }) }),
      fc.record({
        bytes: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER)),
        messages: fc.nat({ max: 1e5 }),
      }),
      fc.record({ wait: fc.double({ min: 0, max: 1e4, noNaN: true }) }),
      fc.record({
        aim: fc.record(
          { bytes: fc.nat(), messages: fc.nat({ max: 1e5 }) },
          { requiredKeys: [] as const as never[] },
        ),
      }),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 0, max: 30 }), (events, pace) => {
        const { meter, pass } = meterAt(pace)
        let before = meter.read()
        let fraction = 0
        for (const one of events) {
          if ('pass' in one) pass(one.pass)
          else if ('wait' in one) meter.wait(one.wait)
          else if ('aim' in one) meter.aim(one.aim)
          else meter.advance(one)
          const now = meter.read()
          for (const value of Object.values(now)) {
            if (value === undefined) continue
            expect(value).toBeGreaterThanOrEqual(0)
            expect(Number.isFinite(value)).toBe(true)
          }
          expect(now.bytes).toBeGreaterThanOrEqual(before.bytes)
          expect(now.messages).toBeGreaterThanOrEqual(before.messages)
          expect(now.seconds).toBeGreaterThanOrEqual(before.seconds)
          if (now.fraction !== undefined) {
            expect(now.fraction).toBeGreaterThanOrEqual(fraction)
            expect(now.fraction).toBeLessThanOrEqual(1)
            fraction = now.fraction
          }
          before = now
        }
      }),
    )
  })

  test('promises no less than the pace of the chat allows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 20 }),
        (messages, perMinute, sent) => {
          const { meter, pass } = meterAt(perMinute)
          meter.start({ bytes: messages * MIB, messages })
          const burst = Math.min(sent, perMinute, messages)
          pass(1)
          meter.advance({ bytes: burst * MIB, messages: burst })
          const { secondsLeft } = meter.read()
          if (secondsLeft === undefined) return
          const least = lastOut(
            messages - burst,
            perMinute,
            Array.from({ length: burst }, () => 0),
          )
          expect(secondsLeft).toBeGreaterThanOrEqual(least)
        },
      ),
    )
  })

  test('goes by the bytes where they take longer than the messages', () => {
    const { meter, pass } = meterAt(20)
    meter.start({ bytes: 100 * MIB, messages: 5 })
    for (let mib = 1; mib <= 10; mib++) {
      pass(2)
      meter.advance({ bytes: mib * MIB })
    }
    expect(meter.read()).toMatchObject({ fraction: 0.1, bytesPerSecond: MIB / 2, secondsLeft: 180 })
  })

  test('leaves waits for the chat out of the rate, and notices when the line stalls', () => {
    const { meter, pass } = meterAt(20)
    meter.start({ bytes: 100 * MIB })
    pass(10)
    meter.advance({ bytes: 10 * MIB })
    meter.wait(40)
    pass(40)
    expect(meter.read().bytesPerSecond).toBeCloseTo(MIB, 0)
    pass(30)
    expect(meter.read().bytesPerSecond).toBeLessThan(MIB / 4)
  })

  test('follows a line that becomes faster within a minute', () => {
    const { meter, pass } = meterAt()
    meter.start({ bytes: 1000 * MIB })
    pass(60)
    meter.advance({ bytes: 6 * MIB })
    for (let second = 1; second <= 60; second++) {
      pass(1)
      meter.advance({ bytes: (6 + 10 * second) * MIB })
    }
    expect(meter.read().bytesPerSecond).toBeGreaterThan(9 * MIB)
  })

  test('without bytes and without a pace goes by the messages so far', () => {
    const { meter, pass } = meterAt()
    meter.start({ messages: 12 })
    expect(meter.read().secondsLeft).toBeUndefined()
    pass(8)
    meter.advance({ messages: 4 })
    expect(meter.read()).toMatchObject({ secondsLeft: 16, bytesPerSecond: 0 })
  })
})
