import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boundaryOf, MultipartReader } from '#requests/multipart.ts'

/** A part as it is written, and as it must be read. */
interface Part {
  readonly name: string
  readonly fileName: string | undefined
  readonly body: Buffer
}

const BOUNDARY = '----WebKitFormBoundary7MA4'
const LIMITS = { maxHeaderBytes: 4096 }

/** Bytes full of line breaks, dashes and beginnings of the boundary, but never with a whole delimiter. */
const trickyBody = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '-',
        '--',
        '\r\n--',
        '\r\n\r\n',
        '\0',
        `\r\n--${BOUNDARY.slice(0, -1)}`,
      ),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 12 },
  )
  .map(pieces => Buffer.from(pieces.join('')))
  .filter(body => !body.includes(`\r\n--${BOUNDARY}`))

const part: fc.Arbitrary<Part> = fc.record({
  name: fc.constantFrom('chat_id', 'document', 'ключ', 'with "quotes"', 'a;b', '50%'),
  fileName: fc.option(
    fc.constantFrom('', 'a.zst', 'a b (1).tar', 'документ.sql', 'q"u\\o.te', 'semi;colon'),
    {
      nil: undefined,
    },
  ),
  body: trickyBody,
})

const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&').replace(/%/g, '%25')}"`

function write(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(({ name, fileName, body }) => {
    const file = fileName === undefined ? '' : `; filename=${quote(fileName)}`
    const headers = `Content-Disposition: form-data; name=${quote(name)}${file}\r\nContent-Type: text/plain`
    return [Buffer.from(`--${BOUNDARY}\r\n${headers}\r\n\r\n`), body, Buffer.from('\r\n')]
  })
  return Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\nepilogue`)])
}

function read(chunks: readonly Buffer[]): Part[] {
  const reader = new MultipartReader(BOUNDARY, LIMITS)
  const parts: Part[] = []
  let current: { name: string; fileName: string | undefined; pieces: Buffer[] } | undefined
  for (const chunk of chunks) {
    for (const event of reader.push(chunk)) {
      if (event.kind === 'part') {
        current = { name: event.name, fileName: event.fileName?.toString('utf8'), pieces: [] }
      } else if (event.kind === 'bytes') {
        current?.pieces.push(event.bytes)
      } else if (current !== undefined) {
        parts.push({ name: current.name, fileName: current.fileName, body: Buffer.concat(current.pieces) })
      }
    }
  }
  reader.end()
  return parts
}

function split(whole: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map(cut => cut % (whole.length + 1)))].sort((a, b) => a - b)
  return [...places, whole.length].map((place, index) => whole.subarray(places[index - 1] ?? 0, place))
}

/** One part with the given headers. */
const single = (headers: string) =>
  Buffer.from(`--${BOUNDARY}\r\n${headers}\r\n\r\nbody\r\n--${BOUNDARY}--\r\n`)

test('any parts come back whole, however the body is cut into pieces', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), fc.array(fc.nat()), (parts, cuts) => {
      if (parts.length === 0) return
      expect(read(split(write(parts), cuts))).toEqual(parts)
    }),
    { numRuns: 500 },
  )
})

test('a body that arrives byte by byte is read the same', () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), parts => {
      const whole = write(parts)
      const bytes = Array.from({ length: whole.length }, (_, index) => whole.subarray(index, index + 1))
      expect(read(bytes)).toEqual(parts)
    }),
    { numRuns: 50 },
  )
})

test('a body cut short anywhere before its last boundary is refused', () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 2 }), fc.nat(), (parts, cut) => {
      const whole = write(parts)
      const ending = whole.lastIndexOf(`--${BOUNDARY}--`) + `--${BOUNDARY}--`.length
      expect(() => read([whole.subarray(0, cut % ending)])).toThrow('HTTP 400')
    }),
  )
})

test('pieces are handed on at once: no more than a delimiter is held back', () => {
  const reader = new MultipartReader(BOUNDARY, LIMITS)
  const opening = write([{ name: 'a', fileName: 'b', body: Buffer.alloc(0) }])
  const head = opening.subarray(0, opening.indexOf('\r\n\r\n') + 4)
  expect([...reader.push(head)].map(event => event.kind)).toEqual(['part'])
  const events = [...reader.push(Buffer.alloc(100_000, 'x'))]
  expect(events[0]).toMatchObject({ kind: 'bytes' })
  expect(events[0]?.kind === 'bytes' && events[0].bytes.length).toBeGreaterThan(99_900)
})

test.for([
  [
    'no space after form-data; and no quotes',
    'content-disposition:form-data;name=document;filename=a b.zst',
    'document',
    'a b.zst',
  ],
  [
    'an unquoted name ends at a semicolon',
    'Content-Disposition: form-data; name=d; filename=a;b.zst',
    'd',
    'a',
  ],
  [
    'percent signs are decoded',
    'Content-Disposition: form-data; name="d%20e"; filename="a%3A%d1%8f.zst"',
    'd e',
    'a:я.zst',
  ],
  [
    'a percent sign alone stays',
    'Content-Disposition: form-data; name="d"; filename="100%.zst"',
    'd',
    '100%.zst',
  ],
  [
    'bytes beyond ASCII without quotes',
    'Content-Disposition: form-data; name=d; filename=копия (1).zst',
    'd',
    'копия (1).zst',
  ],
  ['a folded header', 'Content-Disposition: form-data;\r\n name="d";\r\n\tfilename="f"', 'd', 'f'],
  ['an unknown parameter', 'Content-Disposition: form-data; size=5; name="d"', 'd', undefined],
  [
    'headers in any case and order',
    'X-Other: 1\r\nCONTENT-DISPOSITION: form-data; NAME=x; name=d',
    'd',
    undefined,
  ],
] as const)('reads leniently: %s', ([, headers, name, fileName]) => {
  expect(read([single(headers)])).toEqual([{ name, fileName, body: Buffer.from('body') }])
})

test.for([
  ['no disposition', 'Content-Type: text/plain'],
  ['no name', 'Content-Disposition: form-data; filename="a"'],
  ['another disposition', 'Content-Disposition: attachment; name="a"'],
  ['a quote that is not closed', 'Content-Disposition: form-data; name="a'],
  ['rubbish after a quoted value', 'Content-Disposition: form-data; name="a"b; filename="c"'],
] as const)('refuses headers with %s', ([, headers]) => {
  expect(() => read([single(headers)])).toThrow('HTTP 400')
})

test('headers above the limit are refused before they are complete', () => {
  const reader = new MultipartReader(BOUNDARY, LIMITS)
  const headers = Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: ${'x'.repeat(5000)}`)
  expect(() => [...reader.push(headers)]).toThrow('HTTP 431')
})

test.for([
  ['multipart/form-data; boundary=abc', 'abc'],
  ['multipart/form-data; boundary="a b"; charset=utf-8', 'a b'],
  ['multipart/form-data;BOUNDARY=--x', '--x'],
] as const)('takes the boundary out of %s', ([contentType, boundary]) => {
  expect(boundaryOf(contentType)).toBe(boundary)
})

test('a boundary that is missing or longer than 70 characters is refused', () => {
  expect(() => boundaryOf('multipart/form-data')).toThrow('HTTP 400')
  expect(() => boundaryOf(`multipart/form-data; boundary=${'x'.repeat(71)}`)).toThrow('HTTP 400')
})
