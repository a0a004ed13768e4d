import { randomUUID } from 'node:crypto'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  abandonPack,
  beginUndelete,
  bucketById,
  catalogClock,
  changeBucket,
  closeSend,
  deleteObject,
  endUndelete,
  findObject,
  type IntendedObject,
  listObjects,
  noteSnapshot,
  planUndelete,
  purgeObjects,
  settleUndelete,
  versionsById,
} from '#index.ts'
import { nextMillisecond } from '#test/clock.ts'
import { emptyCatalog } from '#test/empty-catalog.ts'
import { sha256, type TestPack, TestWriter } from '#test/test-packs.ts'

let database: TestCatalog
beforeAll(async () => {
  database = await openTestCatalog()
})
afterAll(() => database.discard())
beforeEach(() => emptyCatalog(database))

/** So few records go into one pack that an undelete needs several. */
const RECORDS_IN_A_PACK = 2
const HOUR_MS = 3_600_000

interface Moment {
  at: Date
  live: Map<string, string>
}

/** A bucket that is filled, and taken back to moments, by a process that may stop anywhere. */
class Bucket {
  readonly writer: TestWriter
  readonly moments: Moment[] = []
  /** Packs that may be in the chat or not. */
  readonly #left: TestPack[] = []

  constructor(writer: TestWriter) {
    this.writer = writer
  }

  get id(): string {
    return this.writer.bucket.id
  }

  async put(keys: readonly string[], isLeft: boolean): Promise<void> {
    const pack = await this.writer.reserve()
    const puts = keys.map(key => this.writer.put(pack, key, { sha256: sha256(randomUUID()) }))
    await this.writer.intend(pack, { puts })
    if (isLeft) this.#left.push(pack)
    else await this.writer.confirm(pack)
  }

  async remove(key: string): Promise<void> {
    await deleteObject(database, { bucketId: this.id, key })
  }

  async live(): Promise<Map<string, string>> {
    const rows = await listObjects(database, { bucketId: this.id, prefix: '', limit: 100 })
    const found = await Promise.all(rows.map(({ key }) => findObject(database, { bucketId: this.id, key })))
    return new Map(found.flatMap(of => (of === null ? [] : [[of.object.key, of.object.sha256]])))
  }

  async noteMoment(): Promise<void> {
    while (await this.settleOne('proven'));
    await nextMillisecond(database)
    this.moments.push({ at: await catalogClock(database), live: await this.live() })
    await nextMillisecond(database)
  }

  /** What became of a pack whose sender stopped; false when there is none. */
  async settleOne(fate: 'proven' | 'never sent'): Promise<boolean> {
    const pack = this.#left.shift()
    if (pack === undefined) return false
    if (fate === 'proven') {
      await this.writer.confirm(pack)
      return true
    }
    await closeSend(database, pack.sendId ?? '')
    await abandonPack(database, { packId: pack.packId, lease: this.writer.lease })
    return true
  }

  /** Sends one pack of an undelete; false when there is nothing to do. */
  async undeleteSome(at: Date, isLeft: boolean): Promise<boolean> {
    const plan = await planUndelete(database, { bucketId: this.id, at })
    const restore = plan.restore.slice(0, RECORDS_IN_A_PACK)
    const remove = plan.remove.toReversed().slice(0, RECORDS_IN_A_PACK - restore.length)
    if (restore.length + remove.length === 0) return false
    const pack = await this.writer.reserve()
    const versions = await versionsById(
      database,
      restore.map(({ id }) => id),
    )
    const puts = versions.map(({ object, extents }): IntendedObject => {
      const { key, size, sha256 } = object
      return { id: randomUUID(), key, size, sha256, storedAt: pack.at, extents }
    })
    await this.writer.intend(pack, { puts, deletes: remove.map(({ id }) => id), undeletingTo: at })
    if (isLeft) this.#left.push(pack)
    else await this.writer.confirm(pack)
    return true
  }
}

const KEYS = ['config', 'data/a', 'data/b', 'data/c', 'index/a', 'snapshots/a']
const keys = fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1 })
const fate = fc.constantFrom('proven' as const, 'never sent' as const)

type Step = (bucket: Bucket) => Promise<void>

/** An undelete that stops after some packs; the last of them may be in the chat or not. */
const stopped = fc.record({ moment: fc.nat(9), packs: fc.nat(2), isLastLeft: fc.boolean() })
type Stopped = { moment: number; packs: number; isLastLeft: boolean }

async function undelete(bucket: Bucket, tries: readonly Stopped[], fates: ('proven' | 'never sent')[]) {
  const { id: bucketId, moments } = bucket
  const momentOf = (no: number): Moment | undefined => moments[no % Math.max(1, moments.length)]
  let last: Moment | undefined
  for (const { moment, packs, isLastLeft } of tries) {
    last = momentOf(moment)
    if (last === undefined) return
    const { at } = last
    const plan = await beginUndelete(database, { bucketId, at })
    if (plan.restore.length + plan.remove.length === 0) continue
    for (let no = 1; no <= packs; no++) await bucket.undeleteSome(at, isLastLeft && no === packs)
    await expectClosed(bucket)
  }
  if (last === undefined) return
  const { at, live } = last
  await beginUndelete(database, { bucketId, at })
  for (;;) {
    if (await bucket.undeleteSome(at, false)) continue
    const isOver = await settleUndelete(database, { bucketId, at }).catch(unlessOver)
    if (isOver) break
    // Only what may still come can be in the way.
    expect(await bucket.settleOne(fates.pop() ?? 'proven')).toBe(true)
  }
  await endUndelete(database, { bucketId, at, chatId: '-1' }).catch(unlessOver)
  expect(await bucket.live()).toEqual(live)
  // Whatever came too late for it changes nothing any more.
  while (await bucket.settleOne(fates.pop() ?? 'proven'));
  expect(await bucket.live()).toEqual(live)
}

/** A bucket that was as it should be got no mark. */
function unlessOver(error: unknown): true {
  expect(error).toMatchObject({ code: 'CONFLICT' })
  return true
}

async function expectClosed({ id: bucketId, writer }: Bucket): Promise<void> {
  await expect(deleteObject(database, { bucketId, key: 'data/a' })).rejects.toMatchObject({ code: 'BUSY' })
  const pack = await writer.reserve()
  const put = writer.intend(pack, { puts: [writer.put(pack, 'data/z')] })
  await expect(put).rejects.toMatchObject({ code: 'BUSY' })
  await changeBucket(database, bucketId, { undeleteMs: 0 })
  expect(await purgeObjects(database, { bucketId, limit: 100 })).toBe(0)
  await changeBucket(database, bucketId, { undeleteMs: HOUR_MS })
}

const step: fc.Arbitrary<[name: string, Step]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(keys, fc.nat(9))
      .map(([some, n]): [string, Step] => [`put ${some}`, bucket => bucket.put(some, n === 0)]),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...KEYS)
      .map((key): [string, Step] => [`delete ${key}`, bucket => bucket.remove(key)]),
  },
  {
    weight: 3,
    arbitrary: fc.constant<[string, Step]>(['moment', bucket => bucket.noteMoment()]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.array(stopped, { minLength: 1, maxLength: 3 }), fc.array(fate, { maxLength: 4 }))
      .map(([tries, fates]): [string, Step] => [
        `undelete ${JSON.stringify(tries)} ${fates}`,
        bucket => undelete(bucket, tries, [...fates]),
      ]),
  },
)

test('wherever undeletes stop, and whatever comes late, the last one gives what was live at its moment', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 12, maxLength: 30 }), async steps => {
      await emptyCatalog(database)
      const bucket = new Bucket(await TestWriter.start(database, { undeleteMs: HOUR_MS }))
      for (const [, run] of steps) await run(bucket)
      await bucket.writer.lease.release()
    }),
    { numRuns: roundsOf(8), endOnFailure: true },
  )
})

test.for([
  {
    when: 'before the bucket was begun',
    addedMs: -HOUR_MS,
    words: 'The bucket did not exist at that moment',
  },
  { when: 'that is to come', addedMs: HOUR_MS, words: 'That moment is to come' },
])('a bucket is not taken back to a moment $when', async ({ addedMs, words }) => {
  const writer = await TestWriter.start(database, { undeleteMs: HOUR_MS })
  await writer.send(['a'])
  const at = new Date((await catalogClock(database)).getTime() + addedMs)
  const asked = beginUndelete(database, { bucketId: writer.bucket.id, at })
  await expect(asked).rejects.toMatchObject({ code: 'INVALID', message: words })
  expect((await listObjects(database, { bucketId: writer.bucket.id, prefix: '', limit: 9 })).length).toBe(1)
  await writer.lease.release()
})

test('a bucket whose row is younger than its objects, as after a recovery, is taken back to when they were there', async () => {
  const writer = await TestWriter.start(database, { undeleteMs: HOUR_MS })
  await writer.send(['a'])
  await nextMillisecond(database)
  const at = await catalogClock(database)
  await nextMillisecond(database)
  await sql`update control_plane.object_buckets set created_at = clock_timestamp()`.execute(database.kysely)
  await deleteObject(database, { bucketId: writer.bucket.id, key: 'a' })
  expect(await beginUndelete(database, { bucketId: writer.bucket.id, at })).toMatchObject({
    restore: [{ key: 'a' }],
    remove: [],
  })
  await writer.lease.release()
})

test('the newest snapshot is then the newest one of that moment', async () => {
  const writer = await TestWriter.start(database, { undeleteMs: HOUR_MS })
  const { id } = writer.bucket
  const bucket = new Bucket(writer)
  await bucket.put(['snapshots/a'], false)
  const kept = await findObject(database, { bucketId: id, key: 'snapshots/a' })
  await nextMillisecond(database)
  const at = await catalogClock(database)
  await nextMillisecond(database)
  await bucket.put(['snapshots/b'], false)
  await noteSnapshot(database, id, await catalogClock(database))
  await deleteObject(database, { bucketId: id, key: 'snapshots/a' })
  await nextMillisecond(database)
  await beginUndelete(database, { bucketId: id, at })
  while (await bucket.undeleteSome(at, false));
  expect(await settleUndelete(database, { bucketId: id, at })).toBe(true)
  expect(await bucketById(database, id)).toMatchObject({ last_snapshot_at: kept?.object.stored_at })
  await writer.lease.release()
})
