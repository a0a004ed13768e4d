/** Choices that are the same for the same seed. */
export interface Chance {
  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number
  /** True with this probability, 0 to 1. */
  happens(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  /** Picks by weight; a weight of 0 is never picked. */
  weighted<Item>(items: ReadonlyArray<readonly [item: Item, weight: number]>): Item
  /** Incompressible bytes. */
  bytes(length: number): Buffer
  /**
   * Choices of its own for a part of the work, so that one choice more in it does not change all that follow.
   */
  branch(name: string): Chance
}

/**
 * Opens the choices of a seed: mulberry32 over a hash of the text. Good enough to try things out, for nothing
 * else.
 */
export function chanceOf(seed: string): Chance {
  let state = hashOf(seed)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  const pick = <Item>(items: readonly Item[]): Item => {
    if (items.length === 0) throw new RangeError('There is nothing to pick from')
    return items[whole(0, items.length - 1)] as Item
  }
  return {
    whole,
    pick,
    happens: probability => next() < probability,
    weighted: items => {
      let rest = next() * items.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [item, weight] of items) {
        rest -= weight
        if (rest < 0) return item
      }
      return pick(items.filter(([, weight]) => weight > 0))[0]
    },
    bytes: length => {
      const bytes = Buffer.alloc(length)
      for (let at = 0; at < length; at++) bytes[at] = next() * 256
      return bytes
    },
    branch: name => chanceOf(`${seed}/${name}`),
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash | 0
}
