import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseHtml } from '#methods/html-entities.ts'

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

test('markup becomes entities with offsets in UTF-16 units', () => {
  expect(parseHtml('<b>ü𝄞 <i>x</i></b>&lt;<a href="https://a.example/">link</a>')).toEqual({
    text: 'ü𝄞 x<link',
    entities: [
      { type: 'bold', offset: 0, length: 5 },
      { type: 'italic', offset: 4, length: 1 },
      { type: 'text_link', offset: 6, length: 4, url: 'https://a.example/' },
    ],
  })
})

test.for([
  ['<b>a</i>', 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'],
  ['a</b>', 'Unexpected end tag at byte offset 1'],
  ['<b>', 'Can\'t find end tag corresponding to start tag "b"'],
] as const)('%s is refused: %s', ([html, reason]) => {
  expect(() => parseHtml(html)).toThrow(`Bad Request: can't parse entities: ${reason}`)
})

test('any text comes back from its escaped form, wrapped in tags or not', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('b', 'i', 'code', 'pre', 'tg-spoiler'),
      (text, tag) => {
        expect(parseHtml(escaped(text)).text).toBe(text)
        const { entities } = parseHtml(`x<${tag}>${escaped(text)}</${tag}>`)
        expect(entities.map(({ offset, length }) => [offset, length])).toEqual(
          text === '' ? [] : [[1, text.length]],
        )
      },
    ),
  )
})
