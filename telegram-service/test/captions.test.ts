import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CaptionFacts,
  MAX_CAPTION_LENGTH,
  type PackCaptionFacts,
  writeCaption,
  writeIndexCaption,
  writePackCaption,
  writeTombstoneCaption,
} from '#messages/captions.ts'
import { parseCaption, writeMachineLine } from '#messages/machine-line.ts'
import { projectId } from '#test/project-ids.ts'

const SHA256 = 'ab'.repeat(32)
const MACHINE_LINE =
  /^telegram-backup 1 backup=([0-9a-f-]{36}) (?:part=(\d+)( last)?|manifest) sha256=([0-9a-f]{64})(?: catalog=([0-9a-f-]{36})\.(\d+))?(?: index=(\d+))?$/

/** Any UTF-16, with what makes trouble more often than chance would have it. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom(
        '\ud800',
        '\udfff',
        '\u202e',
        '\u200f',
        '\u0000',
        '\u0085',
        '\r\n',
        '\r',
        '\n',
        '👨‍👩‍👧',
        '\ufeff',
        ' ',
      ),
      fc.constant('telegram-backup 1 backup=forged part=1 sha256=00'),
      fc.string({ unit: 'grapheme', minLength: 300, maxLength: 1500 }),
    ),
    { maxLength: 8 },
  )
  .map(pieces => pieces.join(''))

const content: fc.Arbitrary<CaptionFacts['content']> = fc.oneof(
  fc.constant({ kind: 'manifest' as const }),
  fc.record({
    kind: fc.constant('part' as const),
    number: fc.integer({ min: 1, max: 999_999 }),
    last: fc.boolean(),
  }),
)

const facts: fc.Arbitrary<CaptionFacts> = fc.record({
  project: projectId,
  type: fc.constantFrom('database', 'storage', 'logs'),
  createdAt: fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
  backupId: fc.uuid(),
  content,
  sha256: fc.constant(SHA256),
  catalog: fc.option(fc.record({ id: fc.uuid(), generation: fc.integer({ min: 1, max: 999_999_999 }) }), {
    nil: undefined,
  }),
  indexMessageId: fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 }), { nil: undefined }),
  caption: fc.option(anyText, { nil: undefined }),
})

const catalogName = fc.record({ id: fc.uuid(), generation: fc.integer({ min: 1, max: 999_999_999 }) })
const edition = fc
  .tuple(fc.integer({ min: 1, max: 999_999_999 }), fc.integer({ min: 0, max: 0xffff_ffff }))
  .map(([count, chance]) => `${count}-${chance.toString(16).padStart(8, '0')}`)

const packFacts: fc.Arbitrary<PackCaptionFacts> = fc.record(
  {
    project: projectId,
    bucket: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    createdAt: fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
    packId: fc.uuid(),
    bucketId: fc.uuid(),
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    checkpoint: fc.record({
      id: fc.uuid(),
      part: fc.integer({ min: 1, max: 9_999_999 }),
      last: fc.boolean(),
    }),
    sha256: fc.constant(SHA256),
    catalog: catalogName,
    indexMessageId: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  },
  { requiredKeys: ['project', 'bucket', 'createdAt', 'packId', 'bucketId', 'sequence', 'sha256'] },
)

/** What anybody may write who knows our captions: one of them, with something changed. */
const almostOurs = fc
  .tuple(
    fc.oneof(facts.map(writeCaption), packFacts.map(writePackCaption)),
    fc.constantFrom('', ' ', '\n', 'x', '0', ' last', '\u200b', '\ntelegram-backup 1'),
    fc.nat(),
  )
  .map(([caption, inserted, at]) => {
    const position = at % (caption.length + 1)
    return caption.slice(0, position) + inserted + caption.slice(position)
  })

const some: CaptionFacts = {
  project: 'shop',
  type: 'database',
  createdAt: new Date('2026-11-24T05:33:00Z'),
  backupId: '0b6f6a52-3d0c-4f7e-8a53-5d2f6f0f9a11',
  content: { kind: 'part', number: 3, last: true },
  sha256: SHA256,
}

describe('a caption', () => {
  test('fits Telegram and ends in the whole machine line, whatever the caller’s words are', () => {
    fc.assert(
      fc.property(facts, of => {
        const caption = writeCaption(of)
        expect([...caption].length).toBeLessThanOrEqual(MAX_CAPTION_LENGTH)
        expect(caption.isWellFormed()).toBe(true)
        expect(caption).not.toMatch(/[^\P{Cc}\n\t]/u)
        expect(caption.trim()).toBe(caption)
        const [, id, number, last, sha256, catalog, generation] =
          MACHINE_LINE.exec(caption.split('\n').at(-1) ?? '') ?? []
        expect({ id, sha256 }).toEqual({ id: of.backupId, sha256: SHA256 })
        if (of.content.kind === 'part') {
          expect({ number: Number(number), last: last !== undefined }).toEqual({
            number: of.content.number,
            last: of.content.last,
          })
        } else {
          expect(number).toBeUndefined()
        }
        expect(catalog).toBe(of.catalog?.id)
        expect(generation).toBe(of.catalog ? String(of.catalog.generation) : undefined)
      }),
      { numRuns: 500 },
    )
  })

  test('puts the caller’s words first and leaves them as they are where they fit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), words => {
        fc.pre(words.trim() === words && words !== '' && !/\p{Cc}/u.test(words) && [...words].length < 600)
        expect(writeCaption({ ...some, caption: words }).startsWith(`${words}\n\n`)).toBe(true)
      }),
    )
  })

  test('reads so', () => {
    expect(writeCaption({ ...some, caption: 'before the upgrade' })).toBe(
      [
        'before the upgrade',
        '',
        'shop · database · 2026-11-24 05:33 UTC · part 3 (last)',
        `telegram-backup 1 backup=0b6f6a52-3d0c-4f7e-8a53-5d2f6f0f9a11 part=3 last sha256=${SHA256}`,
      ].join('\n'),
    )
  })

  test('is cut, marked by an ellipsis, between characters and never within one', () => {
    const caption = writeCaption({ ...some, caption: '😀'.repeat(2000) })
    expect([...caption]).toHaveLength(MAX_CAPTION_LENGTH)
    expect(caption).toMatch(/^(?:😀)+…\n\nshop/u)
  })

  test('of the longest facts still leaves the caller most of the room', () => {
    const longest = {
      ...some,
      project: 'p'.repeat(64),
      content: { kind: 'part', number: 999_999, last: true },
      catalog: { id: randomUUID(), generation: 2 ** 31 },
      caption: 'x'.repeat(5000),
    } as const
    const caption = writeCaption(longest)
    expect([...caption]).toHaveLength(MAX_CAPTION_LENGTH)
    expect(caption.indexOf('…')).toBeGreaterThan(600)
  })
})

describe('the last line of a caption', () => {
  test('says again what was written, whatever the words before it forge', () => {
    fc.assert(
      fc.property(facts, of => {
        const { content, backupId, sha256, catalog, indexMessageId } = of
        expect(parseCaption(writeCaption(of))).toEqual({
          ...(content.kind === 'part'
            ? { kind: 'part', partNumber: content.number, last: content.last }
            : { kind: 'manifest', partNumber: 0 }),
          backupId,
          sha256,
          ...(catalog === undefined ? {} : { catalog }),
          ...(indexMessageId === undefined ? {} : { indexMessageId }),
        })
      }),
      { numRuns: 500 },
    )
  })

  test('of an index and of a tombstone says again what was written', () => {
    fc.assert(
      fc.property(
        catalogName,
        edition,
        fc.uuid(),
        fc.nat({ max: 1_000_000 }),
        (catalog, of, backupId, partNumber) => {
          const index = { catalog, edition: of }
          expect(parseCaption(writeIndexCaption(index))).toEqual({ kind: 'index', ...index })
          const tombstone = { backupId, partNumber, catalog }
          expect(parseCaption(writeTombstoneCaption(tombstone))).toEqual({ kind: 'tombstone', ...tombstone })
          expect(parseCaption(writeTombstoneCaption({ backupId, partNumber }))).toEqual({
            kind: 'tombstone',
            backupId,
            partNumber,
          })
        },
      ),
    )
  })

  test('of a pack, and of its tombstone, says again what was written, and fits', () => {
    fc.assert(
      fc.property(packFacts, of => {
        const { project: _, bucket: __, createdAt: ___, ...line } = of
        const caption = writePackCaption(of)
        expect(parseCaption(caption)).toEqual({ kind: 'pack', ...line })
        expect([...caption].length).toBeLessThanOrEqual(MAX_CAPTION_LENGTH)
        const tombstone = { packId: of.packId, ...(of.catalog && { catalog: of.catalog }) }
        expect(parseCaption(writeTombstoneCaption(tombstone))).toEqual({ kind: 'tombstone', ...tombstone })
      }),
      { numRuns: 300 },
    )
    const { packId, bucketId } = { packId: randomUUID(), bucketId: randomUUID() }
    const huge = `telegram-backup 1 pack=${packId} bucket=${bucketId} sequence=${'9'.repeat(16)} sha256=${SHA256}`
    expect(parseCaption(huge)).toBeUndefined()
  })

  test('means nothing unless it is one of ours, letter for letter', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, almostOurs), caption => {
        const parsed = parseCaption(caption)
        const line = caption.split('\n').at(-1)
        expect(parsed === undefined ? line : writeMachineLine(parsed)).toBe(line)
      }),
      { numRuns: 1000 },
    )
    const ours = writeCaption(some)
    for (const forged of [
      undefined,
      '',
      `${ours} `,
      `${ours}\n`,
      `${ours}\nseen by me`,
      ours.toUpperCase(),
    ]) {
      expect(parseCaption(forged)).toBeUndefined()
    }
    expect(parseCaption(ours)).toBeDefined()
  })
})
