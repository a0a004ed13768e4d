import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noise } from '#test/sample-archives.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { BlockWriter } from '#threads/block-writer.ts'

const never = (): void => undefined

async function produce(shared: SharedBlocks, blocks: readonly Uint8Array[]): Promise<void> {
  const ring = new BlockRing(shared)
  for (const block of blocks) {
    const space = await ring.spaceAvailable(never)
    space.set(block)
    ring.fill(0, block.length)
  }
  await ring.spaceAvailable(never)
  ring.end()
}

async function consume(shared: SharedBlocks): Promise<Buffer[]> {
  const ring = new BlockRing(shared)
  const blocks: Buffer[] = []
  for (;;) {
    const block = await ring.blockAvailable(never)
    if (!block) return blocks
    blocks.push(Buffer.from(block))
    ring.release()
  }
}

describe('the block ring', () => {
  it('carries any blocks from one side to the other, in order', async () => {
    const blocks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 64 }), { maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(blocks, fc.constantFrom(1, 2, 4), async (sent, slots) => {
        const shared = BlockRing.allocate({ slots, slotSizeBytes: 64 })
        const [, arrived] = await Promise.all([produce(shared, sent), consume(shared)])
        expect(arrived.map(block => [...block])).toEqual(sent.map(block => [...block]))
      }),
    )
  })

  it('makes the producer wait when all blocks are filled', async () => {
    const shared = BlockRing.allocate({ slots: 2, slotSizeBytes: 8 })
    let produced = false
    const producing = produce(shared, [noise(8), noise(8), noise(8)]).then(() => {
      produced = true
    })
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(produced).toBe(false)
    await Promise.all([producing, consume(shared)])
    expect(produced).toBe(true)
  })

  it('notices a block that was lost or cut on the way', async () => {
    const lost = BlockRing.allocate({ slots: 4, slotSizeBytes: 8 })
    const producer = new BlockRing(lost)
    producer.fill(0, 8)
    // As if the second block had never been written to its slot.
    Atomics.add(new Int32Array(lost.control, 0, 2), 0, 1)
    producer.fill(0, 8)
    producer.end()
    await expect(consume(lost)).rejects.toThrow('lost')

    const cut = BlockRing.allocate({ slots: 4, slotSizeBytes: 8 })
    const other = new BlockRing(cut)
    other.fill(0, 8)
    const slotFacts = new Int32Array(cut.control, cut.control.byteLength - 4 * 3 * 4)
    slotFacts[2] = 7
    other.end()
    await expect(consume(cut)).rejects.toThrow('8 bytes went into the ring, 7 came out')
  })

  it('ends the waits of the main thread when it is stopped and the check throws', async () => {
    const ring = new BlockRing(BlockRing.allocate({ slots: 1, slotSizeBytes: 8 }))
    let failed = false
    const check = (): void => {
      if (failed) throw new Error('stopped')
    }
    const waiting = ring.blockAvailable(check)
    failed = true
    ring.stop()
    await expect(waiting).rejects.toThrow('stopped')
  })

  it('goes on when its counters wrap round', async () => {
    const shared = BlockRing.allocate({ slots: 4, slotSizeBytes: 8 })
    new Int32Array(shared.control, 0, 2).fill(2 ** 31 - 3)
    const blocks = Array.from({ length: 10 }, (_, index) => noise(8, String(index)))
    const [, arrived] = await Promise.all([produce(shared, blocks), consume(shared)])
    expect(arrived).toEqual(blocks)
  })
})

describe('the block writer', () => {
  it('makes full blocks, and a shorter last one, of pieces of any length', async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(pieces, async sent => {
        const shared = BlockRing.allocate({ slots: 2, slotSizeBytes: 32 })
        const consuming = consume(shared)
        const writer = new BlockWriter(new BlockRing(shared))
        const bytes = Buffer.concat(sent)
        for (const piece of sent) {
          for (let offset = 0; offset < piece.length; ) {
            const room = await writer.roomAvailable(never)
            const length = Math.min(room.length, piece.length - offset)
            room.set(piece.subarray(offset, offset + length))
            writer.advance(length)
            offset += length
          }
        }
        writer.flush()
        await writer.roomAvailable(never)
        writer.end()
        const blocks = await consuming
        expect(Buffer.concat(blocks)).toEqual(bytes)
        expect(blocks.slice(0, -1).every(block => block.length === 32)).toBe(true)
      }),
    )
  })
})
