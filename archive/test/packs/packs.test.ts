import { randomUUID } from 'node:crypto'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  generateIdentity,
  type OpenedPack,
  openPack,
  PACK_LIMITS,
  type PackBuilder,
  type PackedExtent,
  signerFingerprint,
} from '#index.ts'
import {
  BUCKET,
  builderOf,
  CLEAR,
  ENCRYPTED,
  identityOf,
  putOf,
  readOf,
  type SentPack,
  SIGNING_KEY,
  SMALL_PACK_BYTES,
  sentBy,
  TIME,
} from '#test/packs/sample-packs.ts'
import { bytesOf, dumpText, KEYS, noise, rejectionOf, sha256 } from '#test/sample-archives.ts'

/** Objects cut over packs as a store does it: pieces as they come, a fragment where a pack is full. */
async function packed(
  objects: readonly { key: string; bytes: Buffer }[],
  options: { packSizeBytes: number; pieceBytes: number; encrypted: boolean },
): Promise<SentPack[]> {
  const { packSizeBytes, pieceBytes } = options
  const open = (): PackBuilder =>
    builderOf({ packSizeBytes, ...(!options.encrypted && { encryption: 'off' }) })
  const sent: SentPack[] = []
  let builder = open()
  const close = async (): Promise<string> => {
    const pack = await sentBy(builder, identityOf(sent.length + 1))
    sent.push(pack)
    builder = open()
    return pack.header.pack
  }
  for (const { key, bytes } of objects) {
    const id = randomUUID()
    const finished: PackedExtent[] = []
    let here: { offset: number; length: number } | undefined
    const put = (): ReturnType<typeof putOf> => ({
      ...putOf(key, bytes, [...finished, ...(here ? [here] : [])]),
      id,
    })
    const closeWithFragment = async (): Promise<void> => {
      if (here) {
        const at = finished.reduce((sum, { length }) => sum + length, 0)
        builder.addRecord({ fragment: key, id, at, extent: here })
      }
      const pack = await close()
      if (here) finished.push({ pack, ...here })
      here = undefined
    }
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      const piece = bytes.subarray(start, start + pieceBytes)
      // The record of the object, with one more extent, must fit, too.
      if (!builder.hasRoomFor(piece.length, [put(), put()])) await closeWithFragment()
      const { offset, length } = builder.add(piece)
      here = here ? { offset: here.offset, length: here.length + length } : { offset, length }
    }
    if (!builder.hasRoomFor(0, [put()])) await closeWithFragment()
    builder.addRecord(put())
  }
  await close()
  builder.release()
  return sent
}

const content = fc.oneof(
  fc.integer({ min: 0, max: 30_000 }).map(size => noise(size, `noise ${size}`)),
  fc.integer({ min: 0, max: 60_000 }).map(dumpText),
)

describe('packs', () => {
  it('give back any range of objects of any size, however they were cut', async () => {
    const objects = fc.array(content, { minLength: 1, maxLength: 8 })
    const cuts = fc.record({
      packSizeBytes: fc.integer({ min: SMALL_PACK_BYTES, max: 100_000 }),
      pieceBytes: fc.integer({ min: 500, max: 5000 }),
      encrypted: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        objects,
        cuts,
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        async (contents, cut, at) => {
          const sources = contents.map((bytes, index) => ({ key: `data/${index}`, bytes }))
          const packs = new Map<string, OpenedPack>()
          const sent = await packed(sources, cut)
          for (const { bytes, sha256, header, encrypted } of sent) {
            expect(bytes.length).toBeLessThanOrEqual(cut.packSizeBytes)
            expect(encrypted).toBe(cut.encrypted)
            const expected = {
              pack: header.pack,
              bucket: BUCKET.id,
              ...(at.next().value < 0.5 && { sha256 }),
            }
            const opened = await openPack(bytes, { ...(encrypted ? ENCRYPTED : CLEAR), expected })
            expect(opened.header).toEqual(header)
            expect(opened.signer).toBe(signerFingerprint(SIGNING_KEY))
            packs.set(header.pack, opened)
          }
          const puts = sent.flatMap(({ header }) =>
            header.records.flatMap(record => ('put' in record ? [{ record, pack: header.pack }] : [])),
          )
          expect(puts.map(({ record }) => record.put)).toEqual(sources.map(({ key }) => key))
          for (const [index, { record, pack }] of puts.entries()) {
            const bytes = sources[index]?.bytes as Buffer
            const pieces = record.extents.map(extent => packs.get(extent.pack ?? pack)?.read(extent))
            const read = await Promise.all(pieces.map(piece => bytesOf(piece as AsyncIterable<Buffer>)))
            expect(Buffer.concat(read).equals(bytes)).toBe(true)
            const [first] = record.extents
            if (first === undefined) continue
            const offset = Math.floor(at.next().value * first.length)
            const length = Math.floor(at.next().value * (first.length - offset + 1))
            const range = packs.get(first.pack ?? pack)?.read({ offset: first.offset + offset, length })
            const ranged = await bytesOf(range as AsyncIterable<Buffer>)
            expect(ranged.equals(bytes.subarray(offset, offset + length))).toBe(true)
          }
        },
      ),
      { numRuns: roundsOf(30) },
    )
  })

  it('hold what they said they have room for, and are filled nearly to their size', async () => {
    const record = putOf('data/a', noise(1), [{ offset: 0, length: 1 }])
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: SMALL_PACK_BYTES, max: 300_000 }),
        fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 20 }),
        async (packSizeBytes, sizes) => {
          const builder = builderOf({ packSizeBytes })
          let next = 0
          for (; builder.hasRoomFor(sizes[next % sizes.length] ?? 0, [record]); next++) {
            builder.add(noise(sizes[next % sizes.length] ?? 0, `noise ${next}`))
            builder.addRecord(record)
          }
          const refused = sizes[next % sizes.length] ?? 0
          const { bytes } = await sentBy(builder)
          expect(bytes.length).toBeLessThanOrEqual(packSizeBytes)
          // Room for 16 names, a record and a frame's growth were kept.
          expect(bytes.length + refused).toBeGreaterThan(packSizeBytes * 0.98 - 6000)
        },
      ),
      { numRuns: roundsOf(20), examples: [[121_464, [4]]] },
    )
  })

  it('take the bounds of a header, and no more', async () => {
    const builder = builderOf({ packSizeBytes: 4_000_000 })
    const named = Array.from({ length: PACK_LIMITS.names + 1 }, (_, index) => ({
      pack: randomUUID(),
      sequence: index + 1,
      messageId: Number.MAX_SAFE_INTEGER - index,
      size: 20_000_000,
      sha256: sha256(noise(index)),
    }))
    for (let frame = 0; frame < PACK_LIMITS.frames; frame++) builder.add(noise(1 + (frame % 3)))
    expect(builder.hasRoomFor(1)).toBe(false)
    expect(() => builder.add(noise(1))).toThrow(RangeError)
    const deleted = (index: number) => ({ delete: `locks/${index}`, id: randomUUID(), at: TIME })
    for (let index = 0; index < PACK_LIMITS.records; index++) builder.addRecord(deleted(index))
    expect(() => builder.addRecord(deleted(0))).toThrow(RangeError)
    const { bytes, header } = await sentBy(builder, identityOf(1, named))
    // The others are left for later packs.
    expect(header.names).toEqual(named.slice(0, PACK_LIMITS.names))
    expect((await openPack(bytes, ENCRYPTED)).header).toEqual(header)
  })

  it('are told by long keys, which fill the header before the frames', async () => {
    const builder = builderOf({ packSizeBytes: 4_000_000 })
    const record = { delete: '"'.repeat(PACK_LIMITS.keyBytes), id: randomUUID(), at: TIME }
    let records = 0
    for (; builder.hasRoomFor(0, [record]); records++) builder.addRecord(record)
    expect(records).toBeLessThan(PACK_LIMITS.records)
    const { bytes, header } = await sentBy(builder)
    expect(header.records).toHaveLength(records)
    expect((await openPack(bytes, ENCRYPTED)).header).toEqual(header)
  })

  it('are sealed again under another identity, with the same content', async () => {
    for (const encryption of ['off', { recipients: [KEYS.recipient] }] as const) {
      const builder = builderOf({ encryption })
      const bytes = [noise(3_000_000), dumpText(200_000)]
      for (const piece of bytes) builder.add(piece)
      builder.addRecord(putOf('data/a', bytes[0] as Buffer, [{ offset: 0, length: 3_000_000 }]))
      const unlocking = encryption === 'off' ? CLEAR : ENCRYPTED
      for (const sequence of [7, 8, 9]) {
        const sealed = await builder.seal(identityOf(sequence))
        expect(sha256(sealed.bytes)).toBe(sealed.sha256)
        expect(sealed.header.sequence).toBe(sequence)
        expect((await openPack(sealed.bytes, unlocking)).header).toEqual(sealed.header)
        expect((await readOf(sealed.bytes, undefined, unlocking)).equals(Buffer.concat(bytes))).toBe(true)
      }
      builder.release()
    }
  })

  it('of the same content differ in size, and open with one of several keys', async () => {
    const other = await generateIdentity()
    const sizes = new Set<number>()
    for (let round = 0; round < 8; round++) {
      const builder = builderOf({ encryption: { recipients: [other.recipient, KEYS.recipient] } })
      builder.add(noise(500_000))
      const { bytes } = await sentBy(builder)
      sizes.add(bytes.length)
      for (const identity of [other.identity, KEYS.identity])
        expect((await openPack(bytes, { identities: [identity], encrypted: true })).plainSize).toBe(500_000)
    }
    expect(sizes.size).toBeGreaterThan(4)
  })

  it('leave their memory to the next one when they are released, and not before', async () => {
    const memoryOf = async (): Promise<ArrayBufferLike> => {
      const builder = builderOf({ packSizeBytes: SMALL_PACK_BYTES })
      builder.add(noise(1_000))
      const { bytes } = await builder.seal(identityOf(1))
      expect(bytes.length).toBeGreaterThan(1_000)
      builder.release()
      builder.release()
      return bytes.buffer
    }
    const [first, second] = [await memoryOf(), await memoryOf()]
    expect(second).toBe(first)
    const kept = builderOf({ packSizeBytes: SMALL_PACK_BYTES })
    expect(await memoryOf()).not.toBe(first)
    kept.release()
  })

  it('take no bytes once they are sealed or released, and have room again where a record was removed', async () => {
    const builder = builderOf({ packSizeBytes: SMALL_PACK_BYTES })
    const record = (index: number) => ({ delete: `${index}`.repeat(1000), id: randomUUID(), at: TIME })
    const records = [record(1)]
    while (builder.hasRoomFor(0, [record(1)])) {
      records.push(record(2))
      builder.addRecord(records.at(-1) as (typeof records)[0])
    }
    const last = records.at(-1) as (typeof records)[0]
    builder.removeRecord(last)
    builder.removeRecord(last)
    expect(builder.records).not.toContain(last)
    builder.addRecord(last)
    expect(() => builder.addRecord(last)).toThrow(RangeError)
    await builder.seal(identityOf(1))
    expect(() => builder.add(noise(1))).toThrow('sealed')
    builder.release()
    builder.release()
    expect(() => builder.add(noise(1))).toThrow('released')
    await expect(builder.seal(identityOf(2))).rejects.toThrow('released')
  })

  it('may hold records alone', async () => {
    const builder = builderOf()
    expect(builder.isEmpty).toBe(true)
    builder.addRecord(putOf('config', noise(0), []))
    expect(builder.isEmpty).toBe(false)
    const { bytes, plainSize } = await sentBy(builder)
    expect(plainSize).toBe(0)
    expect(await readOf(bytes)).toHaveLength(0)
  })

  it('are not made of what contradicts itself', async () => {
    const builder = builderOf()
    builder.add(noise(100))
    builder.addRecord(putOf('data/a', noise(101), [{ offset: 0, length: 101 }]))
    expect(await rejectionOf(builder.seal(identityOf(1)))).toMatchObject({ code: 'CONFIGURATION' })
    builder.release()
    expect(() => builderOf({ packSizeBytes: SMALL_PACK_BYTES - 1 })).toThrow(/cannot have 16383 bytes/)
    expect(() => builderOf({ encryption: { recipients: [] } })).toThrow(/no key/)
  })
})
