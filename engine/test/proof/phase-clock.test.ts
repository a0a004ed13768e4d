import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PhaseClock, secondsOf } from '#proof/phase-clock.ts'

/** A drill whose pieces of work take the given milliseconds. */
type Work = {
  parts: { fetchMs: number; openMs: number; restoreMs: number }[]
  /** While the restore is busy, the next part is fetched and opened: nobody waits for it. */
  aheadMs: number
  compareMs: number
}

async function drilled({ parts, aheadMs, compareMs }: Work): Promise<{ clock: PhaseClock; ms: number }> {
  let ms = 0
  const clock = new PhaseClock(() => ms)
  const bytes = async function* (): AsyncGenerator<Buffer> {
    for (const { fetchMs, openMs } of parts) {
      clock.partAwaited(true)
      ms += fetchMs
      clock.partAwaited(false)
      ms += openMs
      yield Buffer.from('a')
    }
  }
  let index = 0
  for await (const _ of clock.timed(bytes())) {
    clock.partAwaited(true)
    ms += aheadMs
    clock.partAwaited(false)
    ms += parts[index++]?.restoreMs ?? 0
  }
  clock.restored()
  // A directory is read a second time, to be compared.
  for await (const _ of clock.timed(bytes()));
  ms += compareMs
  return { clock, ms }
}

const milliseconds = fc.integer({ min: 0, max: 100_000 })

it('counts each moment once: waiting for the chat, for the opened bytes, restoring, comparing', async () => {
  const work = fc.record({
    parts: fc.array(fc.record({ fetchMs: milliseconds, openMs: milliseconds, restoreMs: milliseconds }), {
      maxLength: 5,
    }),
    aheadMs: milliseconds,
    compareMs: milliseconds,
  })
  await fc.assert(
    fc.asyncProperty(work, async of => {
      const { clock, ms } = await drilled(of)
      const phases = clock.phases()
      const sum = (key: 'fetchMs' | 'openMs' | 'restoreMs'): number =>
        of.parts.reduce((all, part) => all + part[key], 0)
      expect(phases).toEqual({
        fetch_seconds: sum('fetchMs') / 1000,
        open_seconds: sum('openMs') / 1000,
        restore_seconds: (sum('restoreMs') + of.parts.length * of.aheadMs) / 1000,
        compare_seconds: (sum('fetchMs') + sum('openMs') + of.compareMs) / 1000,
      })
      expect(secondsOf(phases)).toBe(ms / 1000)
    }),
    { numRuns: 200 },
  )
})

it('stops waiting when the reader leaves, or the bytes fail', async () => {
  let ms = 0
  const clock = new PhaseClock(() => ms)
  const bytes = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('a')
    ms += 1000
    throw new Error('the chat is gone')
  }
  await expect(Array.fromAsync(clock.timed(bytes()))).rejects.toThrow('the chat is gone')
  ms += 2000
  expect(clock.phases()).toMatchObject({ open_seconds: 1, restore_seconds: 2 })
})
