import { expect, it } from 'vitest'
import { isLongEnough, strengthOf } from '#shell/password-strength.ts'

it('counts characters as the server does, not units of UTF-16', () => {
  expect(isLongEnough('🦦'.repeat(6))).toBe(false)
  expect(isLongEnough('🦦'.repeat(12))).toBe(true)
  expect(isLongEnough('elevenchars')).toBe(false)
})

it.each([
  ['aaaaaaaaaaaaaaaa', 'weak'],
  ['Password1234!', 'weak'],
  ['qwertyuiop[]', 'weak'],
  ['tidal bramble', 'fair'],
  ['copper lantern otter brisk', 'good'],
  ['vK7#mmPq2!xRtB', 'good'],
])('%s is %s', (password, strength) => {
  expect(strengthOf(password)).toBe(strength)
})
