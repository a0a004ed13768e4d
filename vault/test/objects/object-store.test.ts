import { randomBytes, randomUUID } from 'node:crypto'
import { importObjects } from '@telegram-backup/database'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, NEVER } from '#test/objects/bodies.ts'
import { type OpenStore, openStoreWorld, type StoreWorld, sha256 } from '#test/objects/store-world.ts'

let world: StoreWorld
let one: OpenStore
beforeEach(async () => {
  world = await openStoreWorld()
  one = await world.open()
})
afterEach(() => world.close())

describe('an object', () => {
  it('that was answered is read, listed and found by another process, whole and in ranges', async () => {
    const other = await world.open()
    const small = randomBytes(1_000)
    const large = randomBytes(300_000)
    await one.put('data/small', small, {
      sha256: sha256(small),
      size: small.length,
      etag: 'e',
      meta: { a: 'b' },
    })
    await one.put('data/large', large)
    await one.put('data/none', '')
    expect(await other.read('data/small')).toEqual(small)
    expect(await other.read('data/large')).toEqual(large)
    expect(await other.read('data/none')).toEqual(Buffer.alloc(0))
    for (const [start, end] of [
      [0, 0],
      [999, 999],
      [10, 500],
    ] as const) {
      expect(await other.read('data/small', { start, end })).toEqual(small.subarray(start, end + 1))
    }
    for (const [start, end] of [
      [0, 65_535],
      [60_000, 299_999],
      [299_999, 299_999],
    ] as const) {
      expect(await other.read('data/large', { start, end })).toEqual(large.subarray(start, end + 1))
    }
    expect(await other.keys()).toEqual(['data/large', 'data/none', 'data/small'])
    expect(await other.store.head(world.bucket, 'data/small')).toMatchObject({
      size: 1_000,
      sha256: sha256(small),
      etag: 'e',
      meta: { a: 'b' },
    })
  })

  it('is read whole and in ranges by several at once, each of whom frees every piece at once', async () => {
    const small = randomBytes(60_000)
    const large = randomBytes(300_000)
    const both = Buffer.concat([large.subarray(100_000), large.subarray(0, 100_000)])
    await one.put('data/small', small)
    await one.put('data/large', large)
    const { store } = one
    const readFreeing = async (key: string, range?: { start: number; end: number }): Promise<Buffer> => {
      const { body } = await store.get(world.bucket, key, { range, keep: true, signal: NEVER })
      const copies: Buffer[] = []
      for await (const piece of body) {
        copies.push(Buffer.from(piece))
        if (piece.buffer instanceof ArrayBuffer) piece.buffer.transfer(0)
        expect(piece).toHaveLength(0)
      }
      return Buffer.concat(copies)
    }
    for (let time = 0; time < 3; time++) {
      const [whole, end, begin, kept, part] = await Promise.all([
        readFreeing('data/large'),
        readFreeing('data/large', { start: 100_000, end: 299_999 }),
        readFreeing('data/large', { start: 0, end: 99_999 }),
        readFreeing('data/small'),
        readFreeing('data/small', { start: 100, end: 59_999 }),
      ])
      expect(whole.equals(large)).toBe(true)
      expect(Buffer.concat([end, begin]).equals(both)).toBe(true)
      expect(kept.equals(small)).toBe(true)
      expect(part.equals(small.subarray(100))).toBe(true)
    }
  })

  it('leaves nothing when its length or hash is not what was said', async () => {
    const content = randomBytes(300_000)
    for (const more of [{ size: 299_999 }, { size: 300_001 }, { sha256: sha256('other') }]) {
      for (const body of [content, content.subarray(0, 2_000)]) {
        await expect(one.put('data/a', body, more)).rejects.toMatchObject({ code: 'INVALID' })
      }
    }
    expect(await one.keys()).toEqual([])
    await expect(one.read('data/a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('is overwritten, or kept with ifAbsent; the same bytes need no message', async () => {
    await one.put('config', 'first', { ifAbsent: true })
    const before = world.packsInChat().length
    await one.put('config', 'first', { ifAbsent: true })
    await one.put('config', 'first', { sha256: sha256('first') })
    expect(world.packsInChat()).toHaveLength(before)
    await expect(one.put('config', 'second', { ifAbsent: true })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(String(await one.read('config'))).toBe('first')
    await one.put('config', 'second')
    expect(String(await one.read('config'))).toBe('second')
  })

  it('that two clients store at once with ifAbsent is stored once', async () => {
    const other = await world.open()
    const answers = await Promise.allSettled(
      [one, other, one].map((store, no) => store.put('config', `bytes ${no}`, { ifAbsent: true })),
    )
    const fulfilled = answers.flatMap(({ status }, no) => (status === 'fulfilled' ? [no] : []))
    expect(fulfilled).toHaveLength(1)
    expect(String(await one.read('config'))).toBe(`bytes ${fulfilled[0]}`)
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'CONFLICT' })
    }
  })

  it('is gone once it is deleted, and can be stored again', async () => {
    await one.put('data/a', 'a')
    expect(await one.store.delete(world.bucket, 'data/a')).toBe(true)
    expect(await one.store.delete(world.bucket, 'data/a')).toBe(false)
    await expect(one.read('data/a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await one.put('data/a', 'b')
    expect(String(await one.read('data/a'))).toBe('b')
  })

  it('in the catalog alone makes no message, and needs no private key', async () => {
    const keyless = await world.open({ withoutIdentity: true })
    await keyless.put('locks/a', 'lock', { where: 'catalog' })
    expect(world.packsInChat()).toEqual([])
    await keyless.put('keys/a', 'key', { where: 'chat and catalog' })
    await keyless.put('data/a', 'data')
    expect(String(await keyless.read('locks/a'))).toBe('lock')
    expect(String(await keyless.read('keys/a'))).toBe('key')
    await expect(keyless.read('data/a')).rejects.toMatchObject({ code: 'NO_KEY' })
    const tooLarge = keyless.put('locks/b', randomBytes(65_537), { where: 'catalog' })
    await expect(tooLarge).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('is kept in the catalog after a read that asks for it', async () => {
    await one.put('index/a', 'index')
    const { body } = await one.store.get(world.bucket, 'index/a', { keep: true, signal: NEVER })
    for await (const piece of body) expect(String(piece)).toBe('index')
    expect(String(await (await world.open({ withoutIdentity: true })).read('index/a'))).toBe('index')
  })

  it('is refused with a key or range that is none', async () => {
    for (const key of ['', 'a\0b', '\ud800', 'é'.repeat(513)]) {
      await expect(one.put(key, 'a')).rejects.toMatchObject({ code: 'INVALID' })
    }
    await one.put('a', 'abc')
    for (const [start, end] of [
      [0, 3],
      [3, 3],
      [2, 1],
      [-1, 1],
      [0.5, 1],
    ] as const) {
      await expect(one.read('a', { start, end })).rejects.toMatchObject({ code: 'INVALID' })
    }
  })

  it('whose client goes away while it waits is not stored', async () => {
    const gone = new AbortController()
    async function* slow(): AsyncGenerator<Buffer> {
      yield Buffer.from('a')
      gone.abort()
      yield Buffer.from('b')
    }
    const put = one.store.put(world.bucket, { key: 'a', body: slow() }, { signal: gone.signal })
    await expect(put).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await one.keys()).toEqual([])
  })
})

describe('many objects', () => {
  it('at the pace of Telegram share few messages', async () => {
    const paced = await world.open({ messagesPerMinute: 20 })
    await Promise.all(Array.from({ length: 1_000 }, (_, no) => paced.put(`data/${no}`, `content ${no}`)))
    // One goes at once, and two more while it is under way.
    expect(world.packsInChat().length).toBeLessThanOrEqual(8)
    expect(await paced.keys()).toHaveLength(1_000)
    expect(String(await paced.read('data/777'))).toBe('content 777')
  })

  it('are listed page by page, each once, in the order of their keys', async () => {
    await one.put('data/0', 'bytes')
    const first = await one.store.head(world.bucket, 'data/0')
    const packId = first.pack_id ?? ''
    const keys = Array.from({ length: 4_000 }, (_, no) => `data/${no}`)
    const objects = keys.slice(1).map(key => ({
      ...{ id: randomUUID(), key, size: 5, sha256: first.sha256, storedAt: first.stored_at },
      ...{ extents: [{ packId, offset: 0, length: 5 }], packId, sequence: first.sequence },
    }))
    const bucketId = world.bucket.id
    expect(await importObjects(world.catalog, { bucketId, checkpointPack: packId, objects })).toEqual([])
    const pages = await Array.fromAsync(one.store.list(world.bucket, { prefix: 'data/' }))
    expect(pages.length).toBeGreaterThan(1)
    expect(pages.flat()).toEqual(keys.sort().map(key => ({ key, size: 5 })))
  })

  it('of two processes and one bucket do not mix', async () => {
    const other = await world.open()
    await Promise.all(
      Array.from({ length: 60 }, async (_, no) => {
        const store = no % 2 === 0 ? one : other
        await store.put(`data/${no}`, `content ${no}`)
        if (no % 3 === 0) await (no % 2 === 0 ? other : one).store.delete(world.bucket, `data/${no}`)
      }),
    )
    const keys = await other.keys('data/')
    expect(keys).toHaveLength(40)
    for (const key of keys) expect(String(await other.read(key))).toBe(`content ${key.slice(5)}`)
  })

  it('are refused when the bucket is full, and stored again when there is room', async () => {
    const bucket = await world.newBucket('small', { maxBytes: 10_000 })
    const put = (key: string, bytes: number) =>
      one.store.put(bucket, { key, body: bodyOf(randomBytes(bytes)) }, { signal: NEVER })
    const answers = await Promise.allSettled(Array.from({ length: 12 }, (_, no) => put(`${no}`, 1_000)))
    expect(answers.filter(({ status }) => status === 'fulfilled').length).toBe(10)
    await expect(put('more', 1)).rejects.toMatchObject({ code: 'FULL' })
    await expect(put('more', 200_000)).rejects.toMatchObject({ code: 'FULL' })
    const [page = []] = await Array.fromAsync(one.store.list(bucket, { prefix: '' }))
    expect(await one.store.delete(bucket, page[0]?.key ?? '')).toBe(true)
    await put('more', 1_000)
  })
})
