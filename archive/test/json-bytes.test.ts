import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parsedSizeBytes, stringMembers, unescapeString } from '#json-bytes.ts'

/** Text with all that JSON escapes, also the halves of pairs. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constant('\ud800"\\\udc00/'),
)

/** Every character as its escape, as other writers may do it. */
function allEscaped(value: string): string {
  return value.replaceAll(/[\s\S]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function members(json: string): Record<string, Buffer> {
  const bytes = Buffer.from(json)
  const places = stringMembers(bytes, 20)
  return Object.fromEntries([...places].map(([name, place]) => [name, unescapeString(bytes, place)]))
}

it('finds the strings of an object as JSON.parse does, whatever surrounds them', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ maxLength: 8 }), fc.oneof(text, fc.jsonValue()), { minKeys: 1, maxKeys: 10 }),
      fc.constantFrom(undefined, 1, '\t'),
      (value, indent) => {
        const expected = Object.entries(value).filter(([, member]) => typeof member === 'string')
        const found = members(JSON.stringify(value, undefined, indent))
        expect(found).toEqual(
          Object.fromEntries(expected.map(([name, member]) => [name, Buffer.from(String(member))])),
        )
      },
    ),
  )
})

it('gives the bytes of a string of which every character is escaped', () => {
  fc.assert(
    fc.property(text, value => {
      expect(members(`{"a":"${allEscaped(value)}"}`)).toEqual({ a: Buffer.from(value) })
    }),
  )
  expect(members('{"a":"\\b\\f\\n\\r\\t\\/\\"\\\\"}')).toEqual({ a: Buffer.from('\b\f\n\r\t/"\\') })
})

it('takes the last of two members of one name, as JSON.parse does', () => {
  expect(members('{"a":"1","a":"2"}')).toEqual({ a: Buffer.from('2') })
})

it.each([
  '',
  '{',
  '{}',
  '[]',
  '{"a"}',
  '{"a":"b"',
  '{"a":"b}',
  '{"a":"b",}',
  '{"a":"b"}x',
  '{"a":[1,2',
  '{"a":"\n"}',
  '{"a":"b" "c":"d"}',
  `{${'"a":"b",'.repeat(20)}"c":"d"}`,
])('refuses %j', json => {
  expect(() => members(json)).toThrow(TypeError)
})

it.each(['\\x', '\\u12', '\\u12g4', '\\'])('refuses the escape %j', sequence => {
  const json = Buffer.from(`"${sequence}`)
  expect(() => unescapeString(json, { start: 1, end: json.length })).toThrow(TypeError)
})

it('reckons more heap for lists and names than for the same bytes of text', () => {
  const size = (json: string): number => parsedSizeBytes(Buffer.from(json)) / json.length
  expect(size(`"${'[{,:'.repeat(10_000)}"`)).toBeCloseTo(2, 1)
  expect(size(`[${'[],'.repeat(10_000)}[]]`)).toBeGreaterThan(20)
  expect(size(`[${'{"a1":1},'.repeat(10_000)}1]`)).toBeGreaterThan(20)
})
