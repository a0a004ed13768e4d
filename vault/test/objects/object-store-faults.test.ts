import { randomBytes } from 'node:crypto'
import { findPacks, openSends, sqlRunner } from '@telegram-backup/database'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, NEVER } from '#test/objects/bodies.ts'
import { type OpenStore, openStoreWorld, type StoreWorld } from '#test/objects/store-world.ts'

let world: StoreWorld
let one: OpenStore
beforeEach(async () => {
  world = await openStoreWorld()
  one = await world.open({ times: TIMES })
})
afterEach(() => world.close())

const DAY_MS = 86_400_000
/** Deletions and what was left behind alone. */
const TIMES = {
  everyMs: 50,
  tellAfterMs: DAY_MS,
  checkpointAfterPacks: 1_000,
  checkpointAfterMs: DAY_MS,
  collectAfterMs: DAY_MS,
}

describe('a store', () => {
  it.each([
    ['answers are lost', { kind: 'answer-lost' }],
    ['connections break', { kind: 'reset-during' }],
    ['the server fails', { kind: 'status', status: 502 }],
    ['messages come too fast', { kind: 'flood', retryAfterSeconds: 1 }],
  ] as const)('stores everything once while %s', async (_, fault) => {
    // The index of the chat is made first.
    await one.put('before', 'a')
    for (const call of [1, 2, 4]) world.vault.emulator.faults.on('sendDocument', { call }, fault)
    const contents = new Map([1, 2, 3].map(no => [`data/${no}`, randomBytes(no * 40_000)]))
    await Promise.all([...contents].map(([key, content]) => one.put(key, content)))
    const other = await world.open()
    for (const [key, content] of contents) expect(await other.read(key)).toEqual(content)
    const ids = world.packsInChat().map(({ caption }) => / pack=(\S+)/.exec(caption ?? '')?.[1])
    expect(new Set(ids).size).toBe(ids.length)
    // Calls without a message are looked for a while longer, since it may come late.
    const open = (await openSends(world.catalog, {})).map(({ packId }) => packId ?? '')
    for (const { state } of await findPacks(world.catalog, open)) expect(state).toBe('sent')
  })

  it.each([
    ['is too large for a proxy', { kind: 'too-large', body: 'html' }],
    ['may not be sent', { kind: 'error', errorCode: 403, description: 'Forbidden: not enough rights' }],
  ] as const)('shows nothing of an object that %s, and goes on afterwards', async (_, fault) => {
    world.vault.emulator.faults.on('sendDocument', { calls: 99 }, fault)
    await expect(one.put('small', 'a')).rejects.toThrow()
    await expect(one.put('large', randomBytes(200_000))).rejects.toThrow()
    expect(await one.keys()).toEqual([])
    world.vault.emulator.faults.clear()
    expect(world.packsInChat()).toEqual([])
    await one.put('small', 'a')
    await one.put('large', randomBytes(200_000))
    expect(await one.keys()).toEqual(['large', 'small'])
  })

  it('adopts what it had sent itself when the look at the chat failed', async () => {
    world.vault.emulator.faults.on('getChat', { calls: 99 }, { kind: 'reset-before' })
    await one.put('first', 'a').catch(() => {})
    world.vault.emulator.faults.clear()
    await one.put('second', 'b')
    world.vault.emulator.faults.on('getChat', { calls: 99 }, { kind: 'reset-before' })
    await expect(one.put('third', 'c')).rejects.toThrow()
    world.vault.emulator.faults.clear()
    expect(await one.keys()).not.toContain('third')
    void one.store.tend({ signal: NEVER })
    await expect.poll(() => one.keys()).toContain('third')
    expect(String(await one.read('third'))).toBe('c')
    await expect.poll(() => openSends(world.catalog, {})).toEqual([])
  })

  it('answers nothing as stored once the chat belongs to another catalog', async () => {
    await one.put('before', 'a')
    // As if a recovery elsewhere had taken the chat over: its index has a newer generation.
    await sqlRunner(world.catalog).executeSql('update control_plane.catalog set id = gen_random_uuid()')
    await expect(one.put('after', 'b')).rejects.toMatchObject({ code: 'CONFIGURATION' })
    expect(await one.keys()).toEqual(['before'])
  })

  it('does not give an object whose message was changed on the way', async () => {
    const content = randomBytes(20_000)
    await one.put('a', content)
    const other = await world.open()
    world.vault.emulator.faults.on('download', { calls: 99 }, { kind: 'flip-bit', offset: 5_000 })
    await expect(other.read('a')).rejects.toMatchObject({ code: 'INTEGRITY' })
    world.vault.emulator.faults.clear()
    expect(await other.read('a')).toEqual(content)
  })

  it('downloads a pack once for all who read it at the same time, and not again', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, no) => one.put(`${no}`, randomBytes(2_000))))
    const packs = world.packsInChat().length
    const other = await world.open()
    await Promise.all(Array.from({ length: 20 }, (_, no) => other.read(`${no}`)))
    for (let no = 0; no < 20; no++) await other.read(`${no}`, { start: 10, end: 99 })
    expect(world.vault.emulator.inspect.calls('download')).toBe(packs)
  })

  it('closes with a checkpoint, and takes nothing more', async () => {
    const waiting = one.put('a', randomBytes(100_000))
    await one.put('b', 'b')
    await waiting
    await one.store.close({ graceMs: 30_000 })
    expect(world.packsInChat().at(-1)?.caption).toContain(' checkpoint=')
    const late = one.store.put(world.bucket, { key: 'c', body: bodyOf(Buffer.from('c')) }, { signal: NEVER })
    await expect(late).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})
