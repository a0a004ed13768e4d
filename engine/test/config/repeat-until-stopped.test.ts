import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { type Repeated, repeatUntilStopped } from '#repeat-until-stopped.ts'

const HOUR_MS = 3_600_000
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map(stop => stop()))
  vi.useRealTimers()
})

function start(of: Partial<Repeated>) {
  const said: string[] = []
  const log = {
    info: (facts: { failures: number }) => void said.push(`info ${facts.failures}`),
    warn: (facts: { error: Error; failures: number }) => void said.push(`warn ${facts.error.message}`),
  } as unknown as Repeated['log']
  const repeated = repeatUntilStopped({ work: async () => undefined, everyMs: 5, log, failed: 'no', ...of })
  stops.push(repeated.stop)
  return { said, stop: repeated.stop }
}

const failWith = (message: string, code = message): never => {
  throw Object.assign(new Error(message), { code })
}

test('an outage is told when it begins, when it becomes another one, and when it is over', async () => {
  let rounds = 0
  const { said } = start({
    work: async () => {
      rounds++
      if (rounds <= 10) failWith(`away ${rounds}`, 'AWAY')
      if (rounds <= 20) failWith('full', 'FULL')
      return undefined
    },
  })
  await expect.poll(() => rounds).toBeGreaterThan(22)
  expect(said).toEqual(['warn away 1', 'warn full', 'info 20'])
})

test('an outage that lasts is told once an hour', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  let rounds = 0
  const { said } = start({
    work: async () => {
      rounds++
      return failWith(`away ${rounds}`, 'AWAY')
    },
  })
  await expect.poll(() => rounds).toBeGreaterThan(3)
  vi.advanceTimersByTime(HOUR_MS)
  await expect.poll(() => said.length).toBe(2)
  const then = rounds
  await expect.poll(() => rounds).toBeGreaterThan(then + 3)
  expect(said).toHaveLength(2)
})

test('with failures the pauses grow up to a bound, and are short again after a success', async () => {
  const at: number[] = []
  start({
    everyMs: 20,
    longestPauseMs: 80,
    work: async () => {
      at.push(performance.now())
      if (at.length <= 4) failWith('away')
      return undefined
    },
  })
  await expect.poll(() => at.length).toBeGreaterThan(6)
  const told = () => at.slice(1).map((time, index) => time - (at[index] as number))
  const pauses = told()
  expect(pauses[0]).toBeGreaterThanOrEqual(38)
  for (const pause of pauses.slice(1, 4)) expect(pause).toBeGreaterThanOrEqual(78)
  // On a busy machine not each of them, but some.
  await expect.poll(() => Math.min(...told().slice(4))).toBeLessThan(70)
})

test('a round may say itself when the next is to come', async () => {
  let rounds = 0
  start({
    everyMs: HOUR_MS,
    work: async () => {
      rounds++
      return 1
    },
  })
  await expect.poll(() => rounds).toBeGreaterThan(3)
})

test('a stop ends a pause at once, waits for the round under way, and nothing comes after it', async () => {
  const pausing = start({ everyMs: HOUR_MS, firstAfterMs: HOUR_MS })
  await pausing.stop()
  const events: string[] = []
  const working = start({
    work: async signal => {
      events.push('begun')
      await sleep(HOUR_MS, undefined, { signal }).catch(() => {})
      await sleep(20)
      events.push('ended')
      return failWith('stopped')
    },
  })
  await expect.poll(() => events).toEqual(['begun'])
  await working.stop()
  expect(events).toEqual(['begun', 'ended'])
  await sleep(30)
  expect(events).toHaveLength(2)
  expect(working.said).toEqual([])
})
