import { expect, it } from 'vitest'
import { readRestoreSearch, stepOf } from '#screens/restore/restore-search.ts'

it('the address says which step it is, and nothing else can be written into it', () => {
  const stepAt = (raw: Record<string, unknown>) => stepOf(readRestoreSearch(raw))
  expect(stepAt({})).toBe('target')
  expect(stepAt({ step: 'confirm' })).toBe('target')
  expect(stepAt({ target: 'staging' })).toBe('plan')
  expect(stepAt({ target: 'staging', step: 'started' })).toBe('plan')
  expect(stepAt({ target: 'staging', step: 'confirm' })).toBe('confirm')
  expect(stepAt({ target: 'staging', job: 'a' })).toBe('started')
  expect(readRestoreSearch({ target: 7, overwrite: 'true', other: 1 })).toEqual({ target: '7' })
})
