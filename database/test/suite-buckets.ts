import { createHash, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Bucket,
  beginRecovery,
  bucketById,
  bucketByName,
  bucketFacts,
  changeBucket,
  createBucket,
  createDoorKey,
  type Database,
  deleteObject,
  endRecovery,
  findDoorKey,
  getDoorKey,
  importBucket,
  listAudit,
  listBuckets,
  listDoorKeys,
  noteSnapshot,
  pageDoorKeys,
  removeBucket,
  revokeDoorKey,
} from '#index.ts'
import { TestWriter } from '#test/test-packs.ts'

/** Buckets and the keys of their doors. */
export function describeBuckets(open: () => Promise<Database>): void {
  describe('buckets', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const create = (more: Partial<Parameters<typeof createBucket>[1]> = {}) =>
      createBucket(database, { name: 'laptop', kind: 'restic', projectId: 'shop', ...more })
    const acts = async () =>
      (await listAudit(database, { limit: 10 })).map(({ act, details }) => [act, details])

    test('one has its defaults, is found by name and id, and a name is used once', async () => {
      const bucket = await create()
      expect(bucket).toEqual({
        id: expect.any(String),
        name: 'laptop',
        kind: 'restic',
        project_id: 'shop',
        undelete_ms: 604_800_000,
        replica: 'later',
        max_bytes: null,
        snapshot_limit_hours: null,
        created_at: expect.any(Date),
        last_snapshot_at: null,
        removed_at: null,
        undeleting_to: null,
      })
      expect([await bucketByName(database, 'laptop'), await bucketById(database, bucket.id)]).toEqual([
        bucket,
        bucket,
      ])
      await expect(create({ projectId: 'other' })).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await listBuckets(database, { projectId: 'shop' })).toEqual([bucket])
      expect([await listBuckets(database, { projectId: 'x' }), await bucketById(database, 'x')]).toEqual([
        [],
        null,
      ])
      expect(await acts()).toEqual([['bucket.create', { name: 'laptop', kind: 'restic' }]])
    })

    test.each<Partial<Parameters<typeof createBucket>[1]>>([
      { name: 'ab' },
      { name: '-abc' },
      { name: 'Abc' },
      { name: 'a'.repeat(64) },
      { name: 'a/../b' },
      { kind: 'tape' as 'restic' },
      { projectId: '..' },
      { undeleteMs: -1 },
      { maxBytes: 0 },
      { replica: 'never' as 'wait' },
      { snapshotLimitHours: 1.5 },
    ])('one with %j is refused', async more => {
      await expect(create(more)).rejects.toMatchObject({ code: 'INVALID' })
      expect(await listBuckets(database)).toEqual([])
    })

    test('settings are changed one by one, and the newest snapshot only becomes newer', async () => {
      const { id } = await create({ maxBytes: 10 })
      expect(await changeBucket(database, id, { maxBytes: null, undeleteMs: 0 })).toMatchObject({
        max_bytes: null,
        undelete_ms: 0,
        replica: 'later',
      })
      expect((await acts())[0]).toEqual(['bucket.change', { undelete_ms: 0, max_bytes: null }])
      const at = new Date('2026-05-05T05:05:05Z')
      for (const time of [at, new Date(0)]) await noteSnapshot(database, id, time)
      expect(await bucketFacts(database)).toMatchObject([{ bucket_id: id, newest_snapshot_at: at }])
      await expect(changeBucket(database, randomUUID(), {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    test('of a removed one nothing is found, its keys end, and its name is free', async () => {
      const bucket = await create()
      const { doorKey, key } = await createDoorKey(database, {
        bucketId: bucket.id,
        name: 'k',
        scope: 'full',
      })
      const user = doorKey.user_name
      expect(await findDoorKey(database, { user, key })).not.toBeNull()
      await removeBucket(database, bucket.id)
      expect([await bucketByName(database, 'laptop'), await listBuckets(database)]).toEqual([null, []])
      expect([await findDoorKey(database, { user, key }), await listDoorKeys(database)]).toEqual([null, []])
      expect((await bucketById(database, bucket.id))?.removed_at).toBeInstanceOf(Date)
      expect((await create()).id).not.toBe(bucket.id)
      await expect(removeBucket(database, bucket.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect(await acts()).toContainEqual(['bucket.remove', { name: 'laptop', objects: 0, bytes: 0 }])
    })

    test('during a recovery nothing is stored or deleted', async () => {
      const writer = await TestWriter.start(database)
      const pack = await writer.send(['k'])
      await beginRecovery(database)
      const of = { bucketId: writer.bucket.id, key: 'k' }
      const all = [() => writer.reserve(), () => writer.confirm(pack), () => deleteObject(database, of)]
      for (const write of all) await expect(write()).rejects.toMatchObject({ code: 'BUSY' })
      await endRecovery(database)
      expect(await deleteObject(database, of)).not.toBeNull()
      await writer.lease.release()
    })

    test('one that a chat names keeps its name unless another has it, and is imported once', async () => {
      const known = await create()
      const found = {
        id: randomUUID(),
        name: 'laptop',
        kind: 'restic',
        projectId: 'new',
        maxBytes: 7,
      } as const
      const imported = await importBucket(database, found)
      expect(imported).toMatchObject({
        name: `laptop-${found.id.slice(0, 8)}`,
        project_id: 'new',
        max_bytes: 7,
      })
      expect(await importBucket(database, { ...found, maxBytes: 8 })).toEqual(imported)
      expect(await importBucket(database, { ...found, id: known.id })).toEqual(known)
      const hostile = { ...found, name: "'; drop table x --" }
      await expect(importBucket(database, hostile)).rejects.toMatchObject({ code: 'INVALID' })
    })
  })

  describe('door keys', () => {
    let database: Database
    let bucket: Bucket
    beforeEach(async () => {
      database = await open()
      bucket = await createBucket(database, { name: 'laptop', kind: 'restic', projectId: 'shop' })
    })
    afterEach(() => database.close())

    const create = (more: Partial<Parameters<typeof createDoorKey>[1]> = {}) =>
      createDoorKey(database, { bucketId: bucket.id, name: 'laptop', scope: 'append', ...more })

    test('one is told when it is made, fits into a URL, and only its hash is kept', async () => {
      const { doorKey, key } = await create()
      expect(key).toMatch(/^tbd_[A-Za-z0-9_-]{43}$/)
      expect(doorKey.user_name).toMatch(/^door-[0-9a-f]{10}$/)
      const url = new URL(`http://${doorKey.user_name}:${key}@host/`)
      expect([url.username, url.password]).toEqual([doorKey.user_name, key])
      expect(await listDoorKeys(database, { bucketId: bucket.id })).toEqual([doorKey])
      const { rows } = await sql<{ row: string; hash: string }>`
        select to_jsonb(door_keys)::text as row, encode(key_hash, 'hex') as hash from control_plane.door_keys
      `.execute(database.kysely)
      expect(rows[0]?.hash).toBe(createHash('sha256').update(key).digest('hex'))
      expect(rows[0]?.row).not.toContain(key.slice(4))
      expect(JSON.stringify(await listAudit(database, { limit: 9 }))).not.toContain(key.slice(4))
    })

    test('it is found with its user and its whole text only', async () => {
      const { doorKey, key } = await create()
      const other = await create({ scope: 'full' })
      const user = doorKey.user_name
      expect(await findDoorKey(database, { user, key })).toMatchObject({ id: doorKey.id, scope: 'append' })
      expect(await findDoorKey(database, { user, key })).not.toHaveProperty('key_hash')
      const wrong = [key.slice(0, -1), `${key}x`, '', '\0', "' or true --", other.key, key.toUpperCase()]
      for (const text of wrong) expect(await findDoorKey(database, { user, key: text })).toBeNull()
      for (const name of ['', other.doorKey.user_name, `${user} `, '\ud800']) {
        expect(await findDoorKey(database, { user: name, key })).toBeNull()
      }
      const [used] = await listDoorKeys(database)
      expect(used?.last_used_at).toBeInstanceOf(Date)
      await findDoorKey(database, { user, key })
      expect((await listDoorKeys(database))[0]).toEqual(used)
    })

    test('one that has expired or was revoked is found no more, but stays in the list', async () => {
      const past = new Date(Date.now() - 1_000)
      const expired = await create({ expiresAt: past })
      const revoked = await create()
      for (const _ of [1, 2]) expect(await revokeDoorKey(database, revoked.doorKey.id)).toBe(true)
      for (const { doorKey, key } of [expired, revoked]) {
        expect(await findDoorKey(database, { user: doorKey.user_name, key })).toBeNull()
        expect(await getDoorKey(database, doorKey.id)).toMatchObject({ name: 'laptop' })
      }
      for (const id of [randomUUID(), 'x']) expect(await revokeDoorKey(database, id)).toBe(false)
      const acts = (await listAudit(database, { limit: 9 })).map(({ act }) => act)
      expect(acts.filter(act => act === 'doorkey.revoke')).toHaveLength(1)
    })

    test('pages put together are the list, newest first, of a bucket or of a project', async () => {
      const made = []
      for (const name of ['a', 'b', 'c']) made.push((await create({ name })).doorKey)
      const other = await createBucket(database, { name: 'other', kind: 'restic', projectId: 'x' })
      await createDoorKey(database, { bucketId: other.id, name: 'd', scope: 'read' })
      for (const of of [{ bucketId: bucket.id }, { projectId: 'shop' }]) {
        const seen = []
        for (let after: { createdAt: Date; id: string } | undefined; ; ) {
          const page = await pageDoorKeys(database, { ...of, after, limit: 2 })
          seen.push(...page)
          const last = page.at(-1)
          if (page.length < 2 || last === undefined) break
          after = { createdAt: last.created_at, id: last.id }
        }
        expect(seen.map(({ id }) => id).sort()).toEqual(made.map(({ id }) => id).sort())
      }
    })

    test.each<Partial<Parameters<typeof createDoorKey>[1]>>([
      { name: '' },
      { scope: 'admin' as 'full' },
      { expiresAt: new Date(Number.NaN) },
      { bucketId: 'x' },
    ])('one with %j is refused', async more => {
      await expect(create(more)).rejects.toMatchObject({ code: 'INVALID' })
      expect(await listDoorKeys(database)).toEqual([])
    })
  })
}
