import { memberPathOf } from '@telegram-backup/archive'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { escapeName, unescapeName } from '#escaped-names.ts'

it('a name is written as ls -b does', () => {
  expect(escapeName(memberPathOf(Buffer.from([0x66, 0xff])))).toBe('f\\377')
  expect(escapeName('a b\n\tc\\\x01ö')).toBe('a\\ b\\n\\tc\\\\\\001ö')
})

it('of every name, each byte comes back from one word on one line', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, max: 255 }), bytes => {
      const path = memberPathOf(bytes)
      const escaped = escapeName(path)
      expect(escaped).toMatch(/^[^\n\0]*$/)
      expect(escaped.isWellFormed()).toBe(true)
      expect(unescapeName(escaped) ?? escaped).toBe(path)
    }),
  )
})

it('what is escaped in no such way is no escaped name', () => {
  for (const text of ['plain', 'C:\\x', 'a\\', '\\400']) expect(unescapeName(text)).toBeUndefined()
})
