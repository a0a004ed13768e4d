import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  acquireLease,
  beginErasing,
  beginRestore,
  beginVerification,
  createBackup,
  type Database,
  deleteBackup,
  finishRestore,
  finishVerification,
  getBackupById,
  hasBegunErasing,
  listHistory,
  markDamaged,
  markErasing,
  markPart,
  markPartSound,
  markSound,
  type Restore,
  updateBackup,
} from '#index.ts'
import { nextMillisecond } from '#test/clock.ts'
import { TestSend } from '#test/test-send.ts'

/** The way back, as the catalog tells it. */
export function describeRestores(open: () => Promise<Database>): void {
  describe('restores', () => {
    let database: Database
    let backupId: string
    beforeEach(async () => {
      database = await open()
      backupId = (await createBackup(database, { project_id: 'a', type: 'database', file_id: 'f', size: 9 }))
        .id
    })
    afterEach(() => database.close())

    const begin = (): Promise<Restore> => beginRestore(database, { backupId, target: 'shop on db1' })
    const restoreCount = async (): Promise<number | undefined> =>
      (await getBackupById(database, backupId))?.restore_count
    const events = async (): Promise<string[]> =>
      (await listHistory(database, backupId)).map(({ event }) => event)

    test('one that succeeds is counted once, and named in the history', async () => {
      const begun = await begin()
      expect(begun).toMatchObject({ state: 'running', bytes: null, finished_at: null, target: 'shop on db1' })
      expect(await restoreCount()).toBe(0)
      expect(await finishRestore(database, begun.id, { bytes: 9 })).toMatchObject({
        state: 'done',
        bytes: 9,
        error: null,
        finished_at: expect.any(Date),
      })
      expect(await restoreCount()).toBe(1)
      expect((await listHistory(database, backupId)).at(-1)).toMatchObject({
        event: 'restored',
        actor: database.actor,
        details: { restore_id: begun.id, target: 'shop on db1', bytes: 9 },
      })
    })

    test('what is being restored is not erased before that has ended, or its process has', async () => {
      const restoreId = randomUUID()
      const reading = await acquireLease(database, { subject: restoreId, purpose: 'restore' })
      await beginRestore(database, { id: restoreId, backupId, target: 'shop on db1' })
      const mark = () => markErasing(database, { backupId, evenTheLast: true })
      await expect(mark()).rejects.toMatchObject({ code: 'BUSY' })
      // A library marks it without asking; its messages stay all the same.
      await deleteBackup(database, backupId)
      const erasing = await mark()
      const begin = () => beginErasing(database, { backupId, leaseToken: erasing.token })
      await expect(begin()).rejects.toMatchObject({ code: 'BUSY' })
      expect(await hasBegunErasing(database, backupId)).toBe(false)
      await reading?.release()
      await begin()
      expect(await hasBegunErasing(database, backupId)).toBe(true)
      await erasing.release()
    })

    test('one that fails says why, and is not counted', async () => {
      const { id } = await begin()
      const failed = await finishRestore(database, id, { error: 'part 2 is damaged\0' })
      expect(failed).toMatchObject({ state: 'failed', error: 'part 2 is damaged', bytes: null })
      expect(await restoreCount()).toBe(0)
      expect((await listHistory(database, backupId)).at(-1)).toMatchObject({
        event: 'restore failed',
        details: { restore_id: id, error: 'part 2 is damaged' },
      })
    })

    test.each<[string, { bytes: number } | { error: string }]>([
      ['done', { bytes: 1 }],
      ['failed', { error: 'no' }],
    ])('one that has ended as %s does not end again, and nothing changes', async (_, outcome) => {
      const { id } = await begin()
      await finishRestore(database, id, outcome)
      const before = [await restoreCount(), await events()]
      for (const again of [{ bytes: 1 }, { error: 'no' }])
        await expect(finishRestore(database, id, again)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect([await restoreCount(), await events()]).toEqual(before)
    })

    test('ends at the same moment count once', async () => {
      const { id } = await begin()
      const ends = await Promise.allSettled([1, 2, 3].map(bytes => finishRestore(database, id, { bytes })))
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await restoreCount()).toBe(1)
    })

    test('several of one backup are counted each', async () => {
      const begun = await Promise.all([begin(), begin(), begin()])
      await Promise.all(begun.map(({ id }) => finishRestore(database, id, { bytes: 9 })))
      expect(await restoreCount()).toBe(3)
    })

    test('unknown ones are refused', async () => {
      const unknown = randomUUID()
      await expect(beginRestore(database, { backupId: unknown, target: 't' })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
      await expect(finishRestore(database, unknown, { bytes: 1 })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
      await expect(beginRestore(database, { backupId, target: '' })).rejects.toMatchObject({
        code: 'INVALID',
      })
      const { id } = await begin()
      await expect(finishRestore(database, id, { bytes: -1 })).rejects.toMatchObject({ code: 'INVALID' })
    })

    test.each([
      ['running and ended', `update control_plane.restores set finished_at = now()`],
      ['done without bytes', `update control_plane.restores set state = 'done', finished_at = now()`],
      ['failed without a reason', `update control_plane.restores set state = 'failed', finished_at = now()`],
      ['of another state', `update control_plane.restores set state = 'lost'`],
    ])('the database refuses one that is %s', async (_, statement) => {
      await begin()
      await expect(sql.raw(statement).execute(database.kysely)).rejects.toMatchObject({ code: 'INVALID' })
    })

    test('damage is noted once, with the part, and taken back by a sound reading', async () => {
      const damage = (): Promise<boolean> =>
        markDamaged(database, { backupId, error: 'the SHA-256 of part 2', partNumber: 2 })
      expect(await damage()).toBe(true)
      expect(await damage()).toBe(false)
      expect(await getBackupById(database, backupId)).toMatchObject({
        state: 'complete',
        damaged_at: expect.any(Date),
      })
      expect(await markSound(database, backupId, 'file ids')).toBe(true)
      expect(await markSound(database, backupId, 'messages')).toBe(false)
      expect((await getBackupById(database, backupId))?.damaged_at).toBeNull()
      expect(await events()).toEqual(['created', 'damaged', 'found sound'])
      expect((await listHistory(database, backupId))[1]?.details).toEqual({
        error: 'the SHA-256 of part 2',
        part_no: 2,
      })
    })

    test.each(['missing', 'damaged'] as const)(
      'no reading takes damage back while a message of its own chat is known to be %s',
      async state => {
        const send = new TestSend(database)
        await send.begin()
        await send.send(1, 2, 3, 0)
        await send.complete()
        const { backupId } = send
        for (const partNumber of [2, 0]) {
          await markPart(database, { ...send.key(partNumber), state, error: 'gone' })
          await markDamaged(database, { backupId, error: 'gone' })
          expect(await markSound(database, backupId, 'file ids')).toBe(false)
          expect(await markSound(database, backupId, 'messages')).toBe(false)
          expect((await getBackupById(database, backupId))?.damaged_at).not.toBeNull()
          await markPartSound(database, send.key(partNumber))
          expect(await markSound(database, backupId, 'messages')).toBe(true)
        }
        await markDamaged(database, { backupId, error: 'no row of it' })
        await database.kysely.deleteFrom('backup_parts').where('part_no', '=', 3).execute()
        expect(await markSound(database, backupId, 'messages')).toBe(false)
      },
    )

    test('a reading by file ids takes back what such a reading found, not what a verification or an index says', async () => {
      const lease = await acquireLease(database, { subject: backupId, purpose: 'verify' })
      const leaseToken = lease?.token ?? ''
      const of = { backupId, kind: 'data', leaseToken } as const
      const verificationId = await beginVerification(database, of)
      const found = { parts: 1, bytes: 9, findings: [] }
      await nextMillisecond(database)
      await markDamaged(database, { backupId, error: 'the manifest says another size' })
      await finishVerification(database, { verificationId, state: 'damaged', ...found })
      expect(await markSound(database, backupId, 'file ids')).toBe(false)
      expect(await markSound(database, backupId, 'messages')).toBe(true)
      await nextMillisecond(database)
      await markDamaged(database, { backupId, error: 'flipped' })
      expect(await markSound(database, backupId, 'file ids')).toBe(true)
      await lease?.release()
      await updateBackup(database, backupId, { damaged_at: new Date() })
      expect(await markSound(database, backupId, 'file ids')).toBe(false)
    })

    test('damage of a backup that is unknown or going away is nobody’s concern', async () => {
      expect(await markDamaged(database, { backupId: randomUUID(), error: 'x' })).toBe(false)
      await updateBackup(database, backupId, { state: 'erasing' })
      expect(await markDamaged(database, { backupId, error: 'x' })).toBe(false)
      expect(await markSound(database, backupId, 'messages')).toBe(false)
    })
  })
}
