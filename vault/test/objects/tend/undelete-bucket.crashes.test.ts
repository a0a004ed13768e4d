import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { loadOrCreateSigningKey, openIndex } from '@telegram-backup/archive'
import {
  bucketsToTend,
  catalogClock,
  changeBucket,
  type Database,
  findObject,
  listObjects,
  openSends,
  purgeObjects,
  sqlRunner,
  undeletingTo,
} from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UPKEEP_TIMES } from '#objects/tend/upkeep.ts'
import { reconcile } from '#reconcile/reconcile.ts'
import { recover } from '#recover/recover.ts'
import { openSession } from '#session/open-session.ts'
import { NEVER } from '#test/objects/bodies.ts'
import { type OpenStore, openStoreWorld, type StoreWorld } from '#test/objects/store-world.ts'
import type { UndeleteTask } from '#test/programs/undelete-bucket.ts'

/** More than one small pack has records of. */
const OBJECTS = 400

let world: StoreWorld
let one: OpenStore
beforeEach(async () => {
  world = await openStoreWorld()
  one = await world.open()
})
afterEach(() => world.close())

/** The SHA-256 of each live object by its key. */
async function liveSet(database: Database = world.catalog): Promise<Map<string, string>> {
  const { bucket } = world
  const of = { bucketId: bucket.id, prefix: '', limit: 10_000 }
  const live = new Map<string, string>()
  for (const { key } of await listObjects(database, of)) {
    const found = await findObject(database, { bucketId: bucket.id, key })
    if (found !== null) live.set(key, found.object.sha256)
  }
  return live
}

interface Moment {
  at: Date
  live: Map<string, string>
}

async function now(): Promise<Moment> {
  await sleep(5)
  const at = await catalogClock(world.catalog)
  await sleep(5)
  return { at, live: await liveSet() }
}

/** Two moments of which each has what the other has not: objects that go, come, and change. */
async function twoMoments(): Promise<[one: Moment, other: Moment]> {
  const numbers = Array.from({ length: OBJECTS }, (_, no) => no)
  await Promise.all(numbers.map(no => one.put(`data/${no}`, `old ${no}`)))
  const first = await now()
  await Promise.all(
    numbers.map(async no => {
      if (no % 4 === 0) await one.put(`data/${no}`, `new ${no}`)
      else if (no % 4 !== 1) await one.store.delete(world.bucket, `data/${no}`)
      if (no % 2 === 0) await one.put(`index/${no}`, `added ${no}`)
    }),
  )
  return [first, await now()]
}

/** Runs the program; kills it at the call with that number, from 1. Returns how many calls it made. */
async function undelete(at: Date, killAt?: number, phase: 'arrived' | 'kept' = 'arrived'): Promise<number> {
  const { vault, catalog, bucket } = world
  const program = fileURLToPath(import.meta.resolve('#test/programs/undelete-bucket.ts'))
  const task: UndeleteTask = {
    url: catalog.env['DATABASE_URL'] ?? '',
    token: vault.token,
    apiRoot: vault.emulator.url,
    config: world.config(),
    bucket: bucket.name,
    at: at.toISOString(),
  }
  const child = spawn(process.execPath, [program, JSON.stringify(task)], { stdio: 'inherit' })
  const ended = once(child, 'exit')
  let calls = 0
  const unwatch = vault.emulator.watch(async ({ method, phase: seen }) => {
    // The others change nothing in the chat.
    if (!['senddocument', 'editmessagemedia'].includes(method) || seen !== phase) return
    if (++calls !== killAt) return
    child.kill('SIGKILL')
    await ended
  })
  const [code, signal] = await ended
  unwatch()
  expect([0, null]).toContain(code)
  expect(signal).toBe(killAt !== undefined && calls >= killAt ? 'SIGKILL' : null)
  return calls
}

/** A message that is not there now could still come for 15 minutes. */
async function whenLookedForLongEnough(): Promise<void> {
  const { catalog: database, vault } = world
  await sqlRunner(database).executeSql(
    "update control_plane.open_sends set begun_at = begun_at - interval '20 minutes'",
  )
  const session = await openSession({ database, client: vault.client, config: world.config(), signal: NEVER })
  await reconcile(session)
}

const mark = (database: Database = world.catalog): Promise<Date | null> =>
  undeletingTo(database, world.bucket.id)

async function expectEnded({ live }: Moment, database: Database = world.catalog): Promise<void> {
  expect(await mark(database)).toBeNull()
  const found = await liveSet(database)
  // The keys first: they make short words of a failure.
  expect([...found.keys()].filter(key => found.get(key) !== live.get(key))).toEqual([])
  expect(found.size).toBe(live.size)
  const index = await indexed()
  expect(index?.undeletingTo).toBeUndefined()
  expect((await openSends(database, {})).filter(({ packId }) => packId !== null)).toEqual([])
  // The bucket is open again.
  const { put, store } = database === world.catalog ? one : await world.open({ database })
  await put('after', `${Math.random()}`)
  await store.delete(world.bucket, 'after')
}

async function indexed() {
  const { emulator, chatId, identity } = world.vault
  const pinned = emulator.inspect.messages(chatId).findLast(message => message.pinned)
  const bytes = await emulator.inspect.documentBytes(chatId, pinned?.message_id ?? 0)
  const { index } = await openIndex(bytes, { encrypted: true, identities: [identity] })
  return index.buckets?.find(({ id }) => id === world.bucket.id)
}

/** Nothing is stored, deleted, or removed for good, although all of it is due. */
async function expectClosed({ at }: Moment): Promise<void> {
  const { catalog: database, bucket } = world
  expect(await mark()).toEqual(at)
  await expect(one.put('data/x', 'x')).rejects.toMatchObject({ code: 'BUSY' })
  await expect(one.store.delete(bucket, 'data/1')).rejects.toMatchObject({ code: 'BUSY' })
  await changeBucket(database, bucket.id, { undeleteMs: 0 })
  expect(await purgeObjects(database, { bucketId: bucket.id, limit: 10_000 })).toBe(0)
  expect((await bucketsToTend(database))[0]?.hasPurgeable).toBe(false)
  await changeBucket(database, bucket.id, { undeleteMs: 604_800_000 })
}

async function recoverInto(database: Database): Promise<void> {
  const { vault } = world
  const { identity, recipient, client, chatId } = vault
  const signingKey = await loadOrCreateSigningKey(world.config().signingKeyFile)
  const report = await recover({
    ...{ client, database, chat: String(chatId), identities: [identity], signers: [], signal: NEVER },
    ...{ encryption: { recipients: [recipient] }, signingKey: async () => signingKey },
    ...{ nextRun: (_, after) => after, onPlan: () => {}, onLook: () => {} },
  })
  expect(report.buckets).toMatchObject([{ id: world.bucket.id, lost: 0, findings: [] }])
}

describe('an undelete that is killed', () => {
  it.each(['arrived', 'kept'] as const)(
    'at each of its messages, when it has %s, is closed meanwhile, keeps what it needs, and ends with the next try',
    async phase => {
      const [first, second] = await twoMoments()
      let [from, to] = [second, first]
      let closed = 0
      for (let killAt = 1; ; killAt++) {
        if ((await undelete(to.at, killAt, phase)) < killAt) break
        await whenLookedForLongEnough()
        // At the end the program draws a checkpoint.
        const isClosed = (await mark()) !== null
        if (isClosed) {
          closed++
          await expectClosed(to)
          await undelete(to.at)
        }
        await expectEnded(to)
        ;[from, to] = [to, from]
      }
      await expectEnded(to)
      // Two drawings of the index and several packs.
      expect(closed).toBeGreaterThanOrEqual(4)
    },
  )

  it('goes back to the last moment that was asked for, although an earlier undelete was not ended', async () => {
    const [first, second] = await twoMoments()
    await undelete(first.at, 3)
    expect(await mark()).toEqual(first.at)
    await undelete(second.at, 3, 'kept')
    expect(await mark()).toEqual(second.at)
    await whenLookedForLongEnough()
    await undelete(first.at)
    await expectEnded(first)
  })

  it('is ended by a service', async () => {
    const [first] = await twoMoments()
    await undelete(first.at, 3)
    await whenLookedForLongEnough()
    const { store } = await world.open({ times: { ...UPKEEP_TIMES, everyMs: 50 } })
    const stop = new AbortController()
    void store.tend({ signal: stop.signal })
    await expect.poll(() => mark()).toBeNull()
    stop.abort()
    await expectEnded(first)
  })

  /** The index, two packs, and the index again. */
  it.each([1, 2, 3, 4])(
    'after message %i, is what the index says after a recovery on an empty machine, and ends there',
    async killAt => {
      const [first] = await twoMoments()
      await undelete(first.at, killAt, 'kept')
      expect(await mark()).toEqual(first.at)
      const database = await openTestCatalog()
      try {
        await recoverInto(database)
        // The last index was drawn when the bucket was as it should be.
        const isUnderWay = killAt < 4
        expect((await indexed())?.undeletingTo).toBe(isUnderWay ? first.at.toISOString() : undefined)
        expect(await mark(database)).toEqual(isUnderWay ? first.at : null)
        const { put, store } = await world.open({ database })
        if (isUnderWay) await expect(put('data/x', 'x')).rejects.toMatchObject({ code: 'BUSY' })
        await store.finishUndelete(world.bucket, { signal: NEVER })
        await expectEnded(first, database)
      } finally {
        await database.discard()
      }
    },
  )

  it('can end on an empty machine long after the time for undelete has passed', async () => {
    const [first] = await twoMoments()
    await undelete(first.at, 2, 'kept')
    await changeBucket(world.catalog, world.bucket.id, { undeleteMs: 0 })
    await whenLookedForLongEnough()
    const database = await openTestCatalog()
    try {
      await recoverInto(database)
      const { store } = await world.open({ database })
      await store.finishUndelete(world.bucket, { signal: NEVER })
      await expectEnded(first, database)
    } finally {
      await database.discard()
    }
  })
})
