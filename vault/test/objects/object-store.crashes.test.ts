import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { findPacks, openSends, sqlRunner } from '@telegram-backup/database'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { reconcile } from '#reconcile/reconcile.ts'
import { openSession } from '#session/open-session.ts'
import { NEVER } from '#test/objects/bodies.ts'
import { openStoreWorld, type StoreWorld } from '#test/objects/store-world.ts'
import { contentOf } from '#test/objects/stored-content.ts'
import type { StoreTask } from '#test/programs/store-objects.ts'

let world: StoreWorld
beforeEach(async () => {
  world = await openStoreWorld()
})
afterEach(() => world.close())

interface Moment {
  method: string
  phase: 'arrived' | 'kept' | 'answered'
  nth: number
}

/** Numbers that the program said, until it is killed at that moment; all of them without a moment. */
async function storeUntil(task: Pick<StoreTask, 'from' | 'to'>, moment?: Moment): Promise<number[]> {
  const { vault, catalog, bucket } = world
  const program = fileURLToPath(import.meta.resolve('#test/programs/store-objects.ts'))
  const whole: StoreTask = {
    ...task,
    url: catalog.env['DATABASE_URL'] ?? '',
    token: vault.token,
    apiRoot: vault.emulator.url,
    config: world.config(),
    bucket: bucket.name,
  }
  const child = spawn(process.execPath, [program, JSON.stringify(whole)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  let seen = 0
  const unwatch = vault.emulator.watch(async ({ method, phase }) => {
    if (moment === undefined || method !== moment.method.toLowerCase() || phase !== moment.phase) return
    if (++seen !== moment.nth) return
    child.kill('SIGKILL')
    await ended
  })
  const said: number[] = []
  createInterface(child.stdout).on('line', line => said.push(Number(line)))
  const [code, signal] = await ended
  unwatch()
  expect(moment === undefined ? code : signal).toBe(moment === undefined ? 0 : 'SIGKILL')
  return said
}

async function reconcileAll(): Promise<void> {
  const { catalog: database, vault } = world
  // A message that is not there now could still come for 15 minutes.
  await sqlRunner(database).executeSql(
    "update control_plane.open_sends set begun_at = begun_at - interval '20 minutes'",
  )
  const session = await openSession({ database, client: vault.client, config: world.config(), signal: NEVER })
  await reconcile(session)
}

/** Each object is as it was stored, and the catalog knows each pack that is in the chat, and no other. */
async function expectNothingLost(answered: Iterable<number>): Promise<void> {
  const { store, read, keys } = await world.open({ cacheBytes: 0 })
  const there = new Set(await keys('data/'))
  for (const no of answered) expect(there, `object ${no}`).toContain(`data/${no}`)
  for (const key of there) {
    expect(await read(key)).toEqual(contentOf(Number(key.slice('data/'.length))))
    expect(await store.head(world.bucket, key)).toMatchObject({ state: 'live' })
  }
  const ids = world.packsInChat().map(({ caption }) => / pack=(\S+)/.exec(caption ?? '')?.[1] ?? '')
  const known = await findPacks(world.catalog, ids)
  expect(known.filter(({ state }) => state === 'sent').length).toBe(ids.length)
  expect(new Set(ids).size).toBe(ids.length)
  expect((await openSends(world.catalog, {})).filter(({ packId }) => packId !== null)).toEqual([])
}

describe('a store that is killed', () => {
  it.each<Moment>([
    { method: 'sendDocument', phase: 'arrived', nth: 2 },
    { method: 'sendDocument', phase: 'arrived', nth: 9 },
    { method: 'sendDocument', phase: 'kept', nth: 3 },
    { method: 'sendDocument', phase: 'kept', nth: 12 },
    { method: 'sendDocument', phase: 'answered', nth: 7 },
    { method: 'getChat', phase: 'arrived', nth: 6 },
    { method: 'getChat', phase: 'answered', nth: 8 },
  ])('at $method $nth, $phase, has lost nothing that it answered', async moment => {
    const answered = new Set(await storeUntil({ from: 1, to: 200 }, moment))
    await reconcileAll()
    await expectNothingLost(answered)
    // The client sends again what was not answered.
    for (const no of await storeUntil({ from: 1, to: 40 })) answered.add(no)
    expect(answered.size).toBeGreaterThanOrEqual(40)
    await expectNothingLost(answered)
  })

  it('again and again, with another one beside it, has lost nothing', async () => {
    const answered = new Set<number>()
    for (let round = 0; round < 3; round++) {
      const of = { from: round * 50 + 1, to: round * 50 + 50 }
      const said = await Promise.all([
        storeUntil(of, { method: 'sendDocument', phase: 'kept', nth: 5 + round }),
        storeUntil({ from: 1_000 + round * 20, to: 1_015 + round * 20 }),
      ])
      for (const no of said.flat()) answered.add(no)
      if (round % 2 === 0) await reconcileAll()
    }
    await reconcileAll()
    await expectNothingLost(answered)
  })
})
