import { afterEach, expect, it, vi } from 'vitest'
import { isAttended, watchAttention } from '#api/attention.ts'

afterEach(() => {
  vi.useRealTimers()
})

it('a page is attended for a minute after it was opened, and after what somebody does on it', () => {
  vi.useFakeTimers()
  const page = new EventTarget()
  watchAttention(page)
  expect(isAttended()).toBe(true)
  vi.advanceTimersByTime(61_000)
  expect(isAttended()).toBe(false)
  page.dispatchEvent(new Event('keydown'))
  expect(isAttended()).toBe(true)
  vi.advanceTimersByTime(61_000)
  page.dispatchEvent(new Event('visibilitychange'))
  expect(isAttended()).toBe(false)
})
