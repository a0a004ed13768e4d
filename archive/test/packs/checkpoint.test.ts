import { randomUUID } from 'node:crypto'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CheckpointedObject,
  type CheckpointLine,
  type OpenedPack,
  openPack,
  PACK_LIMITS,
  readCheckpoint,
  writeCheckpoint,
} from '#index.ts'
import {
  BUCKET,
  builderOf,
  CLEAR,
  ENCRYPTED,
  identityOf,
  SIGNING_KEY,
  SMALL_PACK_BYTES,
  sentBy,
  TIME,
} from '#test/packs/sample-packs.ts'
import { KEYS, listOf, rejectionOf } from '#test/sample-archives.ts'

const COVER = { id: randomUUID(), upTo: 9, not: [4, 7] }

const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/)
const key = fc
  .string({ minLength: 1, maxLength: 200, unit: 'grapheme' })
  .filter(text => !text.includes('\0') && Buffer.byteLength(text) <= PACK_LIMITS.keyBytes)

const packLine = fc
  .record({
    id: fc.uuid(),
    sequence: fc.integer({ min: 1 }),
    size: fc.integer({ min: 1 }),
    sha256,
    plainSize: fc.nat(),
    encrypted: fc.boolean(),
    messages: fc.array(
      fc.record(
        {
          chat: fc.constantFrom('-1002000000001', '777'),
          message: fc.integer({ min: 1 }),
          file: fc.stringMatching(/^[A-Za-z0-9_-]{1,80}$/),
          bot: fc.constant('123456'),
        },
        { requiredKeys: ['chat', 'message'] },
      ),
      { maxLength: 2 },
    ),
  })
  .map(pack => ({ pack }))

const objectLine = fc
  .record(
    {
      key,
      id: fc.uuid(),
      sha256,
      etag: fc.stringMatching(/^[0-9a-f]{32}$/),
      meta: fc.dictionary(fc.stringMatching(/^[a-z-]{1,20}$/), fc.stringMatching(/^[ -~]{0,40}$/), {
        maxKeys: 3,
      }),
      at: fc.constant(TIME),
      moves: fc.uuid(),
      pack: fc.uuid(),
      sequence: fc.integer({ min: 1 }),
      extents: fc.array(fc.record({ pack: fc.uuid(), offset: fc.nat(), length: fc.integer({ min: 1 }) }), {
        maxLength: 3,
      }),
      deletedAt: fc.constant(TIME),
    },
    { requiredKeys: ['key', 'id', 'sha256', 'at', 'pack', 'sequence', 'extents'] },
  )
  .map(object => ({ object: { ...object, size: sizeOf(object.extents) } as CheckpointedObject }))

function sizeOf(extents: readonly { length: number }[]): number {
  return extents.reduce((sum, { length }) => sum + length, 0)
}

async function* given<Element>(elements: Iterable<Element>): AsyncGenerator<Element, void> {
  yield* elements
}

/** Written, opened again; the first part has the sequence 10. */
async function written(
  lines: AsyncIterable<CheckpointLine>,
  options: { packSizeBytes?: number; encrypted?: boolean; checkpoint?: typeof COVER } = {},
): Promise<OpenedPack[]> {
  const { packSizeBytes = SMALL_PACK_BYTES, encrypted = true, checkpoint = COVER } = options
  const encryption = encrypted ? { recipients: [KEYS.recipient] } : ('off' as const)
  const parts: OpenedPack[] = []
  const sealing = { bucket: BUCKET, encryption, signingKey: SIGNING_KEY, packSizeBytes, checkpoint }
  for await (const part of writeCheckpoint(lines, sealing)) {
    const { bytes, header } = await part.seal(identityOf(9 + part.part))
    expect(bytes.length).toBeLessThanOrEqual(packSizeBytes)
    expect(header.checkpoint).toEqual({ ...checkpoint, part: part.part, last: part.last })
    // Its memory is used again for the next part.
    parts.push(await openPack(Buffer.from(bytes), encrypted ? ENCRYPTED : CLEAR))
  }
  return parts
}

const readBack = (parts: Iterable<OpenedPack>): Promise<CheckpointLine[]> =>
  listOf(readCheckpoint(given(parts)))

function linesOfObjects(count: number): CheckpointLine[] {
  return Array.from({ length: count }, (_, index) => ({
    object: {
      ...{ key: `data/${index}`, id: randomUUID(), size: 5, sha256: '0'.repeat(64), at: TIME },
      ...{ pack: randomUUID(), sequence: 1, extents: [{ pack: randomUUID(), offset: 0, length: 5 }] },
    },
  }))
}

describe('a checkpoint', () => {
  it('gives back its lines, over as many parts as they need', async () => {
    const lines = fc.array(fc.oneof(packLine, objectLine), { maxLength: 250, size: 'max' })
    let most = 0
    await fc.assert(
      fc.asyncProperty(lines, fc.boolean(), async (lines, encrypted) => {
        const parts = await written(given(lines as CheckpointLine[]), { encrypted })
        most = Math.max(most, parts.length)
        expect(await readBack(parts)).toEqual(lines)
      }),
      { numRuns: roundsOf(20) },
    )
    expect(most).toBeGreaterThan(2)
  })

  it('of an empty bucket is one part', async () => {
    const parts = await written(given([]))
    expect(parts).toHaveLength(1)
    expect(await readBack(parts)).toEqual([])
  })

  it('takes a line of the longest kind, over several frames', async () => {
    const extents = Array.from({ length: PACK_LIMITS.extents }, (_, index) => ({
      ...{ pack: randomUUID(), offset: Number.MAX_SAFE_INTEGER - 20_000_000_000, length: 20_000_000 - index },
    }))
    const [line] = linesOfObjects(1) as [{ object: CheckpointedObject }]
    const long = { object: { ...line.object, key: 'x'.repeat(1024), size: sizeOf(extents), extents } }
    const lines = [...linesOfObjects(3000), long, ...linesOfObjects(3000)]
    expect(JSON.stringify(long).length).toBeGreaterThan(PACK_LIMITS.frameBytes * 0.6)
    const parts = await written(given(lines), { packSizeBytes: 4_000_000 })
    expect(await readBack(parts)).toEqual(lines)
    const tooSmall = written(given(lines), { packSizeBytes: 200_000 })
    expect(await rejectionOf(tooSmall)).toMatchObject({ code: 'CONFIGURATION' })
  })

  it('is refused with a part missing, twice, in another order, or of another checkpoint or bucket', async () => {
    const lines = linesOfObjects(900)
    const parts = await written(given(lines))
    expect(parts.length).toBeGreaterThan(3)
    expect(await readBack(parts)).toEqual(lines)
    const [first, second, ...others] = parts as [OpenedPack, OpenedPack, ...OpenedPack[]]
    const newer = await written(given(lines), { checkpoint: { ...COVER, upTo: 10 } })
    const builder = builderOf()
    builder.add(Buffer.from('{"object":{}}\n'))
    const pack = await openPack((await sentBy(builder)).bytes, ENCRYPTED)
    for (const spoilt of [
      [],
      [second, ...others],
      [first, ...others],
      parts.slice(0, -1),
      [first, first, second, ...others],
      [second, first, ...others],
      [...parts, others.at(-1) as OpenedPack],
      [first, newer[1] as OpenedPack, ...others],
      [pack, ...parts],
      [...parts, pack],
    ])
      expect(await rejectionOf(readBack(spoilt))).toMatchObject({ code: 'INTEGRITY' })
  })

  it.each([
    ['no JSON', '{"object":\n'],
    ['another kind', '{"lock":{}}\n'],
    ['nothing', '\n'],
    ['no end', JSON.stringify(linesOfObjects(1)[0])],
    ['a line that would fill the memory', `${'['.repeat(2_000_000)}\n`],
    ['a line without a bound', ' '.repeat(3_000_000)],
  ])('is refused with a line of %s, even if it is signed', async (_what, text) => {
    const builder = builderOf({ checkpoint: COVER, packSizeBytes: 5_000_000 })
    builder.add(Buffer.from(text))
    const { bytes } = await sentBy(builder, { ...identityOf(10), place: { part: 1, last: true } })
    const parts = [await openPack(bytes, ENCRYPTED)]
    expect(await rejectionOf(readBack(parts))).toMatchObject({ code: 'INTEGRITY' })
  })

  it('is not written with a line that a reader would refuse', async () => {
    const [line] = linesOfObjects(1) as [{ object: CheckpointedObject }]
    for (const spoilt of [
      { ...line.object, size: 6 },
      { ...line.object, key: '' },
      { ...line.object, deletedAt: '2026-02-31T00:00:00Z' },
    ])
      expect(await rejectionOf(written(given([{ object: spoilt }])))).toMatchObject({ code: 'CONFIGURATION' })
  })

  it('takes memory for one part, however many lines there are', async () => {
    const count = 20_000
    async function* many(): AsyncGenerator<CheckpointLine, void> {
      for (let index = 0; index < count; index++) yield linesOfObjects(1)[0] as CheckpointLine
    }
    const before = process.memoryUsage().arrayBuffers
    let peak = 0
    let lines = 0
    const sealing = {
      bucket: BUCKET,
      encryption: 'off',
      signingKey: SIGNING_KEY,
      packSizeBytes: 1_000_000,
    } as const
    async function* parts(): AsyncGenerator<OpenedPack, void> {
      for await (const part of writeCheckpoint(many(), { ...sealing, checkpoint: COVER })) {
        const { bytes } = await part.seal(identityOf(9 + part.part))
        peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
        yield openPack(bytes, CLEAR)
      }
    }
    for await (const _line of readCheckpoint(parts())) lines++
    expect(lines).toBe(count)
    expect(peak).toBeLessThan(30_000_000)
  })
})
