import { JOB_KINDS } from '@telegram-backup/database'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { goesOnAfterCut, pauseBeforeRetry } from '#jobs/retry-rules.ts'

const CODES = ['BUSY', 'UNREACHABLE', 'CATALOG', 'SOURCE', 'LEASE_LOST', 'USAGE', 'constructor', '__proto__']
/** What other codes have used up, and names that every object has. */
const OTHERS = { BUSY: 49, UNREACHABLE: 23, SOURCE: 2, INTERRUPTED: 19 }
const SHOP = { kind: 'backup', source: 'shop' } as const
const kind = fc.constantFrom(...JOB_KINDS)
const code = fc.oneof(fc.constantFrom(...CODES), fc.string())

test('whatever fails is tried a bounded number of times, after pauses that never get shorter', () => {
  fc.assert(
    fc.property(kind, code, (kind, code) => {
      let before = 0
      for (let attempt = 1; ; attempt++) {
        const job = { kind, source: 'shop', tries: { ...OTHERS, [code]: attempt - 1 } }
        const pauseMs = pauseBeforeRetry(job, code)
        if (pauseMs === undefined) {
          expect(attempt).toBeLessThanOrEqual(50)
          return
        }
        expect(pauseMs).toBeGreaterThanOrEqual(Math.max(1_000, before))
        expect(pauseMs).toBeLessThanOrEqual(15 * 60_000)
        before = pauseMs
      }
    }),
  )
})

test('a restore is never begun again by itself, an upload cannot be', () => {
  fc.assert(
    fc.property(code, fc.constantFrom('restore' as const, 'backup' as const), (code, kind) => {
      const job = { kind, source: null, tries: {} }
      expect(pauseBeforeRetry(job, code)).toBeUndefined()
      expect(goesOnAfterCut(job)).toBe(false)
    }),
  )
})

test('an outage of the chat of half an hour is outlasted, and a job that kills its process is given up', () => {
  let waitedMs = 0
  for (let attempt = 1; ; attempt++) {
    const pauseMs = pauseBeforeRetry({ ...SHOP, tries: { UNREACHABLE: attempt - 1 } }, 'UNREACHABLE')
    if (pauseMs === undefined) break
    waitedMs += pauseMs
  }
  expect(waitedMs).toBeGreaterThan(30 * 60_000)
  expect(goesOnAfterCut({ ...SHOP, tries: { INTERRUPTED: 18 } })).toBe(true)
  expect(goesOnAfterCut({ ...SHOP, tries: { INTERRUPTED: 19 } })).toBe(false)
})

test('waiting for others and an outage use up nothing of what a death or another failure may', () => {
  const tries = { BUSY: 40, UNREACHABLE: 20 }
  expect(goesOnAfterCut({ ...SHOP, tries })).toBe(true)
  expect(pauseBeforeRetry({ ...SHOP, tries }, 'SOURCE')).toBe(30_000)
})
