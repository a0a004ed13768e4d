import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cutText, visibleText } from '#format/plain-text.tsx'

it.each([
  ['invoice\u202egnp.exe', 'invoice\\u{202e}gnp.exe'],
  ['\u061c\u2066\u00ad\u200b\ufeff', '\\u{61c}\\u{2066}\\u{ad}\\u{200b}\\u{feff}'],
  ['\u001b[31mred', '\\u{1b}[31mred'],
  ['one\ntwo\u2028three', 'one\\u{a}two\\u{2028}three'],
  // Tags that a machine would read, letters without a shape, and half a character.
  ['a\u{e0041}\u3164\ud800', 'a\\u{e0041}\\u{3164}\\u{d800}'],
])('%j shows what is in it', (text, shown) => {
  expect(visibleText(text)).toBe(shown)
})

it('leaves letters, their marks and pictures as people write them', () => {
  const texts = ['Überweisung für März', 'счёт', 'עברית', 'العربية', '帳單', 'cafe\u0301', 'ว่าที่']
  for (const text of [...texts, '👨‍👩‍👧', '👩🏽‍💻', '❤️‍🔥', '🇩🇪']) expect(visibleText(text)).toBe(text)
})

it('marks do not pile up over the lines around', () => {
  expect(visibleText(`a${'\u0301'.repeat(300)}`)).toMatch(/^a\u0301{6}(\\u\{301\}){294}$/)
})

it('keeps the lines of a log, and nothing else that a terminal obeys', () => {
  expect(visibleText('a\tb\nc\r\u0007', true)).toBe('a\tb\nc\\u{d}\\u{7}')
})

it('cuts a very long text between characters, and no other', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), text => {
      const cut = cutText(visibleText(text))
      expect(cut.isWellFormed()).toBe(true)
      expect(cut.length).toBeLessThanOrEqual(301)
      if (cut !== visibleText(text)) expect(visibleText(text).startsWith(cut.slice(0, -1))).toBe(true)
    }),
  )
})
