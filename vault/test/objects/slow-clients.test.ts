import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, NEVER } from '#test/objects/bodies.ts'
import { type OpenStore, openStoreWorld, type StoreWorld } from '#test/objects/store-world.ts'

const MIB = 1024 ** 2

let world: StoreWorld
beforeEach(async () => {
  world = await openStoreWorld()
})
afterEach(() => world.close())

/** Sends one byte, and the rest never; ends when the signal fires. */
async function* standing(signal: AbortSignal): AsyncGenerator<Buffer> {
  yield Buffer.from('a')
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))))
}

async function storesInOtherBucket(one: OpenStore, bytes: number): Promise<void> {
  const other = await world.newBucket('other')
  const body = bodyOf(randomBytes(bytes))
  await one.store.put(other, { key: 'data/a', body, size: bytes }, { signal: NEVER })
}

describe('clients that stand still', () => {
  it.for([
    ['small', 9 * MIB],
    ['large', 12 * MIB],
  ] as const)('while they store %s objects stop no other bucket', async ([, size]) => {
    const one = await world.open({ partSizeBytes: 20 * MIB })
    const gone = new AbortController()
    const { signal } = gone
    const slow = Array.from({ length: 6 }, (_, no) =>
      one.store.put(world.bucket, { key: `data/${no}`, body: standing(signal), size }, { signal }),
    )
    const ended = Promise.allSettled(slow)
    await storesInOtherBucket(one, 3 * MIB)
    await storesLarge(one)
    gone.abort()
    expect((await ended).every(({ status }) => status === 'rejected')).toBe(true)
    expect(await one.keys()).toEqual([])
    await one.put('data/0', 'stored')
  })

  it('while they store a key keep nobody waiting for it who has gone', async () => {
    const one = await world.open()
    const slow = new AbortController()
    const body = standing(slow.signal)
    const first = one.store.put(world.bucket, { key: 'data/a', body, size: 9 }, { signal: slow.signal })
    const leaving = new AbortController()
    const { signal } = leaving
    const puts = Array.from({ length: 3 }, () =>
      one.store.put(world.bucket, { key: 'data/a', body: bodyOf(Buffer.from('b')) }, { signal }),
    )
    const staying = one.put('data/a', 'c')
    const ended = Promise.allSettled(puts)
    leaving.abort()
    for (const put of await ended) expect(put).toMatchObject({ reason: { code: 'CANCELLED' } })
    // The last one still waits for the first.
    expect(await one.keys()).toEqual([])
    slow.abort()
    await expect(first).rejects.toThrow('gone')
    await staying
    expect((await one.read('data/a')).toString()).toBe('c')
  })

  it('while they read let others read, and get the right bytes when they go on', async () => {
    const one = await world.open()
    const contents = Array.from({ length: 4 }, () => randomBytes(100_000))
    for (const [no, content] of contents.entries()) await one.put(`data/${no}`, content)
    const slow = []
    for (const no of contents.keys()) {
      const { body } = await one.store.get(world.bucket, `data/${no}`, { signal: NEVER })
      const pieces = body[Symbol.asyncIterator]()
      slow.push({ pieces, first: pieces.next() })
    }
    expect(await one.read('data/3')).toEqual(contents[3])
    for (const [no, { pieces, first }] of slow.entries()) {
      const got = []
      for (let next = await first; !next.done; next = await pieces.next()) got.push(next.value)
      expect(Buffer.concat(got)).toEqual(contents[no])
    }
  })
})

async function storesLarge(one: OpenStore): Promise<void> {
  const body = bodyOf(randomBytes(11 * MIB))
  const another = await world.newBucket('another')
  await one.store.put(another, { key: 'data/a', body, size: 11 * MIB }, { signal: NEVER })
}
