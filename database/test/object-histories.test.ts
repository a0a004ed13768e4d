import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  bucketFacts,
  type Database,
  findObject,
  importBucket,
  importCheckpoint,
  importObjects,
  importPacks,
  listObjects,
  replayPack,
} from '#index.ts'
import { emptyCatalog } from '#test/empty-catalog.ts'
import { ObjectWorld } from '#test/object-world.ts'

let database: TestCatalog
let recovered: TestCatalog
beforeAll(async () => {
  database = await openTestCatalog()
  recovered = await openTestCatalog()
})
afterAll(async () => {
  await database.discard()
  await recovered.discard()
})
beforeEach(() => emptyCatalog(database))

type Step = (world: ObjectWorld) => Promise<void>

const KEYS = ['data/a', 'data/ä', 'index/a']
const key = fc.constantFrom(...KEYS)
const at = fc.nat(9)

/** What may happen to a bucket, in the proportions of life. */
const step: fc.Arbitrary<[name: string, Step]> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<[string, Step]>(['reserve', world => world.reserve()]) },
  {
    weight: 7,
    arbitrary: fc
      .record({
        at,
        keys: fc.array(key, { maxLength: 2 }),
        tells: fc.boolean(),
        moves: fc.option(key, { nil: undefined, freq: 2 }),
      })
      .map(({ at, ...of }): [string, Step] => [
        `intend ${at} ${JSON.stringify(of)}`,
        world => world.intend(at, of),
      ]),
  },
  { weight: 6, arbitrary: at.map((n): [string, Step] => [`confirm ${n}`, world => world.confirm(n)]) },
  { weight: 1, arbitrary: at.map((n): [string, Step] => [`abandon ${n}`, world => world.abandon(n)]) },
  { weight: 3, arbitrary: key.map((of): [string, Step] => [`remove ${of}`, world => world.remove(of)]) },
  { weight: 1, arbitrary: fc.constant<[string, Step]>(['purge', world => world.purge()]) },
  { weight: 1, arbitrary: fc.constant<[string, Step]>(['snapshot', world => world.snapshot()]) },
  {
    weight: 1,
    arbitrary: fc
      .boolean()
      .map((isIndexed): [string, Step] => [
        `checkpoint ${isIndexed}`,
        world => world.finishCheckpoint(isIndexed),
      ]),
  },
  { weight: 1, arbitrary: fc.constant<[string, Step]>(['moment', world => world.noteMoment()]) },
  { weight: 1, arbitrary: at.map((n): [string, Step] => [`undelete ${n}`, world => world.undelete(n)]) },
  { weight: 1, arbitrary: fc.constant<[string, Step]>(['garbage', world => world.collectGarbage()]) },
)
const history = fc.array(step, { minLength: 30, maxLength: 70 })

/** The bucket as a new machine finds it in the chat: from the newest checkpoint, or from all packs. */
async function recover(world: ObjectWorld, into: Database): Promise<void> {
  const { bucketId, checkpoint, chat, writer } = world
  const { name, kind, project_id: projectId, undelete_ms: undeleteMs } = writer.bucket
  await importBucket(into, { id: bucketId, name, kind, projectId, undeleteMs })
  const packs = [...chat.values()].map(({ pack }) => pack)
  if (checkpoint !== undefined) {
    const { part, objects, packIds: _, ...rest } = checkpoint
    await importCheckpoint(into, { bucketId, checkpoint: { ...rest, partCount: 1 } })
    expect(await importPacks(into, { bucketId, packs: [part, ...packs] })).toEqual([])
    expect(await importObjects(into, { bucketId, checkpointPack: part.id, objects })).toEqual([])
  }
  const isCovered = (sequence: number) =>
    checkpoint !== undefined && sequence <= checkpoint.coversUpTo && !checkpoint.coversNot.includes(sequence)
  const newer = [...chat.values()]
    .filter(({ pack }) => !isCovered(pack.sequence))
    .sort((a, b) => a.pack.sequence - b.pack.sequence)
  for (const { pack, records } of newer) {
    expect(await replayPack(into, { bucketId, pack, records })).toEqual([])
  }
}

/** All live objects with the places of their bytes. */
async function liveIn(catalog: Database, bucketId: string) {
  const rows = await listObjects(catalog, { bucketId, prefix: '', limit: 100 })
  const found = await Promise.all(rows.map(({ key }) => findObject(catalog, { bucketId, key })))
  return found.map(of => of && { key: of.object.key, sha256: of.object.sha256, extents: of.extents })
}

/** The ids of deleted versions that can be brought back. */
async function deletedIn(catalog: Database, bucketId: string): Promise<string[]> {
  const { rows } = await sql<{ sha256: string }>`
    select sha256 from control_plane.objects where bucket_id = ${bucketId} and state = 'deleted' order by sha256
  `.execute(catalog.kysely)
  return rows.map(({ sha256 }) => sha256)
}

test('in every history the catalog has what a simple model has, and the chat alone gives the same back', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.constantFrom(0, 3_600_000), async (steps, undeleteMs) => {
      await emptyCatalog(database)
      await emptyCatalog(recovered)
      const world = await ObjectWorld.start(database, undeleteMs)
      const { bucketId } = world
      for (const [name, run] of steps) {
        await run(world)
        expect(await world.liveObjects(), name).toEqual(world.model.liveObjects())
      }
      await world.settle()
      const live = await liveIn(database, bucketId)
      expect(new Map(live.map(of => [of?.key, of?.sha256]))).toEqual(world.model.liveObjects())
      const extents = live.flatMap(of => of?.extents ?? [])
      expect(extents.filter(({ packId }) => !world.chat.has(packId))).toEqual([])
      const [facts] = await bucketFacts(database)
      expect(facts).toMatchObject({ objects: live.length, bytes: 10 * live.length })

      // Twice: a recovery that was interrupted goes on.
      for (const _ of [1, 2]) {
        await recover(world, recovered)
        expect(await liveIn(recovered, bucketId)).toEqual(live)
        const known = new Set(await deletedIn(recovered, bucketId))
        expect((await deletedIn(database, bucketId)).filter(of => !known.has(of))).toEqual([])
      }
      await world.end()
    }),
    { numRuns: roundsOf(8), endOnFailure: true },
  )
})
