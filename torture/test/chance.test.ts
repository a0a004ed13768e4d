import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chanceOf } from '#torture/chance.ts'

test('equal seeds choose alike, and a branch does not disturb its trunk', () => {
  fc.assert(
    fc.property(fc.string(), seed => {
      const [one, other] = [chanceOf(seed), chanceOf(seed)]
      one.branch('of its own').bytes(100)
      expect(one.bytes(32)).toEqual(other.bytes(32))
    }),
  )
})

test('a whole number lies between its bounds, and what weighs nothing is never picked', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 0, max: 1000 }), fc.nat(1000), (seed, least, span) => {
      const chance = chanceOf(seed)
      const number = chance.whole(least, least + span)
      expect(number >= least && number <= least + span).toBe(true)
      const items = [['never', 0] as const, ['often', 5] as const, ['seldom', 1] as const]
      expect(chance.weighted(items)).not.toBe('never')
    }),
  )
})
