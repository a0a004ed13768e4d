import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OpenStore, openStoreWorld, type StoreWorld, sha256 } from '#test/objects/store-world.ts'

const MIB = 1024 * 1024
const large = randomBytes(12 * MIB)
const small = randomBytes(10_000)

let world: StoreWorld
let writer: OpenStore
beforeEach(async () => {
  world = await openStoreWorld()
  writer = await world.open({ partSizeBytes: 16 * MIB })
  await writer.put('data/large', large, { size: large.length, sha256: sha256(large) })
  await writer.put('data/small', small, { size: small.length, sha256: sha256(small) })
})
afterEach(() => world.close())

/** Packs that a process keeps on the disk after a read. */
async function keptAfter(
  key: 'data/large' | 'data/small',
  range?: { start: number; end: number },
): Promise<number> {
  const before = await cached()
  const { read } = await world.open()
  const content = key === 'data/large' ? large : small
  const { start, end } = range ?? { start: 0, end: content.length - 1 }
  // Buffer's own comparison: a matcher takes seconds for so many bytes.
  expect((await read(key, range)).equals(content.subarray(start, end + 1))).toBe(true)
  return (await cached()) - before
}

async function cached(): Promise<number> {
  const files = await readdir(world.vault.folder, { recursive: true })
  return files.filter(file => dirname(file).endsWith(join('cache', 'packs'))).length
}

describe('the cache of packs keeps', () => {
  it('a pack of which a reader takes a piece, and a small one in any case', async () => {
    expect(await keptAfter('data/large', { start: 5 * MIB, end: 5 * MIB + 999 })).toBe(1)
    expect(await keptAfter('data/large', { start: 0, end: 7 * MIB })).toBe(1)
    expect(await keptAfter('data/small')).toBe(1)
  })

  it('no large pack that a reader takes at once, as a restore does', async () => {
    expect(await keptAfter('data/large')).toBe(0)
    expect(await keptAfter('data/large', { start: 1, end: 8 * MIB + 1 })).toBe(0)
  })
})
