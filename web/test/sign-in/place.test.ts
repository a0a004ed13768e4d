import fc from 'fast-check'
import { expect, it } from 'vitest'
import { placeOf } from '#screens/sign-in/place.ts'

it('leads back to where the person wanted, with its filters as they were', () => {
  expect(placeOf('/backups?tag=%227%22&calendar=true#x')).toEqual({
    to: '/backups',
    search: { tag: '7', calendar: true },
  })
})

it.each([
  '//evil.example/x',
  '/\\evil.example',
  '/\t/evil.example',
  '/\n/[',
  '\t//evil.example',
  'https://evil.example/backups',
  'javascript:alert(1)',
  'data:text/html,x',
  '',
])('leads to the first screen for %j, which is no path of the page', to => {
  expect(placeOf(to)).toEqual({ to: '/', search: {} })
})

it('is a path of the page, whatever the address says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', '/', '//', '/\\'), (text, before) => {
      const { to } = placeOf(before + text)
      expect(new URL(to, 'http://host.example').origin).toBe('http://host.example')
    }),
  )
})
