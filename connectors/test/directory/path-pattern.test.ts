import { memberPathOf } from '@telegram-backup/archive'
import { escapeName } from '@telegram-backup/archive/escaped-names'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PathPattern } from '#directory/path-pattern.ts'

const NAME = fc
  .uint8Array({ minLength: 1, maxLength: 8 })
  .map(bytes => memberPathOf(bytes.map(byte => (byte === 0 || byte === 47 ? 33 : byte))))
  .filter(name => name !== '.' && name !== '..')
const PATH = fc.array(NAME, { minLength: 1, maxLength: 4 }).map(names => names.join('/'))

/** Few characters, so that many patterns match. */
const SMALL_NAME = fc.string({ unit: fc.constantFrom('a', 'b', '-', 'é'), minLength: 1, maxLength: 5 })
const SMALL_PATH = fc.array(SMALL_NAME, { minLength: 1, maxLength: 4 }).map(names => names.join('/'))
const PIECE = fc.constantFrom('a', 'b', '-', 'é', '*', '?', '[ab]', '[!a]', '[a-c]', '\\*')
const SEGMENT = fc.oneof(
  { weight: 4, arbitrary: fc.array(PIECE, { minLength: 1, maxLength: 5 }).map(pieces => pieces.join('')) },
  { weight: 1, arbitrary: fc.constant('**') },
)
const PATTERN = fc.array(SEGMENT, { minLength: 1, maxLength: 4 }).map(segments => segments.join('/'))

const SEGMENT_REGEX: Readonly<Record<string, string>> = { '*': '[^/]*', '?': '[^/]', '\\*': '\\*' }

/** The same meaning, as an expression for the whole path. */
function expressionOf(pattern: string): RegExp {
  const segments = pattern.split('/').filter((name, at, all) => name !== '**' || all[at - 1] !== '**')
  const source = segments.map((segment, at) => {
    const isLast = at === segments.length - 1
    if (segment === '**') return isLast ? '[^/]+(/[^/]+)*' : '([^/]+/)*'
    const pieces = segment.match(/\\\*|\[[^\]]*\]|./gu) ?? []
    const text = pieces
      .map(piece => SEGMENT_REGEX[piece] ?? (piece.startsWith('[') ? piece.replace('[!', '[^/') : piece))
      .join('')
    return isLast ? text : `${text}/`
  })
  return new RegExp(`^${source.join('')}$`, 'u')
}

describe('a pattern of paths', () => {
  it('means what the shell and git mean by it', () => {
    fc.assert(
      fc.property(PATTERN, SMALL_PATH, (text, path) => {
        // Three stars in a row are one in a name, and no "**".
        fc.pre(!/\*\*\*|[^/]\*\*|\*\*[^/]/.test(text))
        const pattern = new PathPattern(text)
        expect(pattern.matches(path)).toBe(expressionOf(text).test(path))
        const names = path.split('/')
        const above = names.map((_, at) => names.slice(0, at + 1).join('/'))
        expect(pattern.covers(path)).toBe(above.some(one => pattern.matches(one)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('that is the path of a member matches it, whatever characters it holds, also as ls -b prints it', () => {
    fc.assert(
      fc.property(PATH, path => {
        for (const text of [path, `./${path}`, `${path}/`, escapeName(path)]) {
          expect(new PathPattern(text).matches(path)).toBe(true)
          expect(new PathPattern(text).covers(`${path}/below/it`)).toBe(true)
        }
      }),
    )
  })

  it.each([
    ['[\\001]!', '[\u0001]!', true],
    ['[\\001]!', '\u0001!', true],
    ['[\\001]!', '[\u0002]!', false],
    ['.', 'any/thing', true],
    ['', 'any/thing', true],
    ['./', 'any', true],
    ['**', '.', false],
    ['*', '.hidden', true],
    ['a', 'ab', false],
    ['a/**', 'a', false],
    ['a/**', 'a/b/c', true],
    ['**/c', 'c', true],
    ['**/c', 'a/b/c', true],
    ['a/**/c', 'a/c', true],
    ['a*', 'a/b', false],
    ['[', '[', true],
    ['[a', '[a', true],
    ['[]]', ']', true],
    ['[!]]', 'x', true],
    ['[]-a]', '^', true],
    ['[a-]', '-', true],
    ['?', '😀', true],
    ['\\303\\244', 'ä', true],
    ['\\351*', '\udce9t\udce9', true],
    ['a\\nb', 'a\nb', true],
    ['a\\ b', 'a b', true],
    ['\\?', 'x', false],
  ])('%j and %j: %s', (text, path, matches) => {
    const pattern = new PathPattern(text)
    expect(text === '.' || text === '' || text === './' ? pattern.covers(path) : pattern.matches(path)).toBe(
      matches,
    )
  })

  it('takes no time to speak of, however it is made', () => {
    const started = performance.now()
    const name = 'a'.repeat(255)
    expect(new PathPattern(`${'*a'.repeat(100)}b`).matches(name)).toBe(false)
    expect(new PathPattern(`${'**/*/'.repeat(50)}b`).matches(`${'a/'.repeat(1_000)}c`)).toBe(false)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
