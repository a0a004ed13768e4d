import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryBudget, type Reservation } from '#objects/fill/memory-budget.ts'

const LIMIT = 100
const NEVER = new AbortController().signal

type Step = { kind: 'reserve'; bytes: number } | { kind: 'shrink' | 'release' | 'abort'; which: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('reserve' as const), bytes: fc.integer({ min: 0, max: 150 }) }),
  fc.record({ kind: fc.constantFrom('shrink', 'release', 'abort'), which: fc.nat({ max: 50 }) }),
)

describe('the budget of memory', () => {
  it('never gives more than its limit, lets callers in by their order, and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
        const budget = new MemoryBudget(LIMIT)
        const asked: { abort: AbortController; got?: Reservation; refused?: true }[] = []
        for (const one of steps) {
          if (one.kind === 'reserve') {
            const entry: (typeof asked)[number] = { abort: new AbortController() }
            asked.push(entry)
            budget.reserve(one.bytes, entry.abort.signal).then(
              got => {
                entry.got = got
              },
              () => {
                entry.refused = true
              },
            )
          } else {
            const entry = asked[one.which]
            if (one.kind === 'abort') entry?.abort.abort()
            else if (one.kind === 'release') entry?.got?.release()
            else entry?.got?.shrinkTo(Math.floor(entry.got.bytes / 2))
          }
          await nextTurn()
          const held = asked.reduce((sum, { got }) => sum + (got?.bytes ?? 0), 0)
          expect(held).toBeLessThanOrEqual(LIMIT)
          const open = asked.filter(({ refused }) => !refused)
          const firstWaiting = open.findIndex(({ got }) => got === undefined)
          if (firstWaiting >= 0) expect(open.slice(firstWaiting).every(({ got }) => !got)).toBe(true)
        }
        for (const { got } of asked) got?.release()
        for (const entry of asked) {
          await nextTurn()
          entry.got?.release()
        }
        const whole = await budget.reserve(LIMIT, NEVER)
        expect(whole.bytes).toBe(LIMIT)
      }),
    )
  })

  it('lets a caller that wants more than the limit in, alone', async () => {
    const budget = new MemoryBudget(LIMIT)
    const small = await budget.reserve(1, NEVER)
    const large = budget.reserve(5 * LIMIT, NEVER)
    small.release()
    expect((await large).bytes).toBe(LIMIT)
  })

  it('refuses at once with a fired signal', async () => {
    await expect(new MemoryBudget(LIMIT).reserve(1, AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELLED',
    })
  })
})
