import { describe, expect, it } from 'vitest'
import { BlockClaims } from '#threads/assistance.ts'
import { BlockRing } from '#threads/block-ring.ts'

describe('the claims of blocks', () => {
  it.each([0, 2 ** 31 - 20, -20])('give each block to one of two, from block %d on', start => {
    const memory = BlockClaims.allocate(8)
    // As if all blocks before `start` had been claimed.
    new Int32Array(memory).set(
      Array.from({ length: 8 }, (_, age) => start - age).reduce<number[]>((claims, claim) => {
        claims[((claim - 1) >>> 0) % 8] = claim | 0
        return claims
      }, []),
    )
    const [one, other] = [new BlockClaims(memory), new BlockClaims(memory)]
    for (let step = 0; step < 40; step++) {
      const number = (start + step) | 0
      const [first, second] = step % 3 === 0 ? [other, one] : [one, other]
      expect(first.claim(number)).toBe(true)
      expect(second.claim(number)).toBe(false)
      // Nor one that has left the ring.
      expect(second.claim((number - 9) | 0)).toBe(false)
    }
  })
})

describe('the backlog of a ring', () => {
  /** A ring in which so many one-byte blocks wait, each holding its number. */
  function filled(count: number): BlockRing {
    const ring = new BlockRing(BlockRing.allocate({ slots: 8, slotSizeBytes: 1 }))
    for (let number = 0; number < count; number++) {
      ring.waitForSpace()[0] = number
      ring.fill(0, 1)
    }
    return ring
  }

  it('begins after the block that the consumer is at, or later if that is wanted', () => {
    const ring = filled(6)
    expect(ring.waitForBacklog(4, 0)).toBe(1)
    expect(ring.waitForBacklog(4, 3)).toBe(3)
    expect([...ring.blockAt(3)]).toEqual([3])
    ring.waitForBlock()
    ring.release()
    expect(ring.waitForBacklog(4, 0)).toBe(2)
  })

  it('has no block that could be compressed ahead once the producer has ended', () => {
    const ring = filled(6)
    ring.end()
    expect(ring.waitForBacklog(4, 0)).toBeUndefined()
  })

  it('is no more waited for when the ring is stopped', () => {
    const ring = filled(2)
    ring.stop()
    expect(() => ring.waitForBacklog(4, 0)).toThrow('stopped')
    expect(() => ring.waitForBlock()).toThrow('stopped')
    expect(() => ring.waitForSpace()).toThrow('stopped')
  })

  it('needs a number of slots that stays in turn when the counters wrap round', () => {
    expect(() => BlockRing.allocate({ slots: 6, slotSizeBytes: 1 })).toThrow(RangeError)
  })
})
