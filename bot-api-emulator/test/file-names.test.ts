import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cleanFileName, extensionOf, percentDecode } from '#files/file-names.ts'
import { mimeTypeOf } from '#files/mime-types.ts'

const clean = (name: string) => cleanFileName(Buffer.from(name))

test.for([
  ['backup_2026-11-24T05:33:00Z.tar', 'backup_2026-11-24T05 33 00Z.tar'],
  ['/etc/passwd', 'passwd'],
  ['C:\\folder\\file.txt', 'file.txt'],
  ['a<>:"|?*&\'`b.zst', 'a          b.zst'],
  ['...  .name . .zst', 'name.zst'],
  ['.hidden', 'hidden'],
  ['', 'file'],
  ['???', 'file'],
  ['no extension', 'no extension'],
  ['копия №1 — 日本.sql', 'копия  1   日本.sql'],
  ['a\u0000b\u001fc.zst', 'a b c.zst'],
  ['a. (.', 'a. ('],
  ['a. (', 'a.('],
  ['zero\u200bwidth.zst', 'zerowidth.zst'],
  [`${'s'.repeat(80)}.${'e'.repeat(20)}`, `${'s'.repeat(64)}.${'e'.repeat(16)}`],
  [
    'shop_database_20261124T053300Z_1a2b3c4d.sql.00001.zst.age',
    'shop_database_20261124T053300Z_1a2b3c4d.sql.00001.zst.age',
  ],
] as const)('Telegram shows %j as %j', ([sent, shown]) => {
  expect(clean(sent)).toBe(shown)
})

test('a name that is not UTF-8 becomes "file"', () => {
  expect(cleanFileName(Buffer.from([0x61, 0xff, 0x62]))).toBe('file')
})

test('a cleaned name is allowed, and never longer than allowed; cleaned twice, it stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), name => {
      const once = clean(name)
      // Once is not enough when the extension vanishes: what is left may have another one, as "a. (." has.
      const twice = clean(once)
      expect(clean(twice)).toBe(twice)
      expect([...once].length).toBeLessThanOrEqual(64 + 1 + 16)
      expect(once).not.toMatch(/[<>:"/\\|?*&'`]/)
      expect(once).not.toBe('')
    }),
    { numRuns: 1000 },
  )
})

test('percent decoding undoes percent encoding', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      expect(percentDecode(Buffer.from(encodeURIComponent(text))).toString()).toBe(text)
    }),
  )
})

test('the extension decides the mime type, in any case of letters', () => {
  expect(mimeTypeOf(extensionOf('a.ZST'))).toBe('application/zstd')
  expect(mimeTypeOf(extensionOf('a.tar.age'))).toBe('application/octet-stream')
  expect(mimeTypeOf(extensionOf('none'))).toBe('application/octet-stream')
})
