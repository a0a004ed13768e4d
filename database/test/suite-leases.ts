import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  acquireLease,
  completeBackup,
  confirmPart,
  type Database,
  deleteBackup,
  failBackup,
  getBackupById,
  type Lease,
  markErasing,
  markPart,
  openSends,
  reopenBackup,
  sealBackup,
  unfinishedWork,
} from '#index.ts'
import { nextMillisecond } from '#test/clock.ts'
import { hash, TestSend } from '#test/test-send.ts'

/** Who works on a backup now, and what the others may not do. */
export function describeLeases(open: () => Promise<Database>): void {
  describe('leases', () => {
    let database: Database
    const taken: Lease[] = []
    beforeEach(async () => {
      database = await open()
    })
    afterEach(async () => {
      for (const lease of taken.splice(0)) await lease.release()
      await database.close()
    })

    async function acquire(subject: string): Promise<Lease | null> {
      const lease = await acquireLease(database, { subject, purpose: 'reconcile' })
      if (lease) taken.push(lease)
      return lease
    }

    const setLease = (subject: string, column: 'pid' | 'started' | 'host', value: string | number | null) =>
      database.kysely
        .updateTable('leases')
        .set({ [column]: value })
        .where('subject', '=', subject)
        .execute()

    async function expire(subject: string): Promise<void> {
      await sql`update control_plane.leases set expires_at = clock_timestamp() - interval '1 second' where subject = ${subject}`.execute(
        database.kysely,
      )
    }

    test('one has it, until it is given back', async () => {
      const subject = randomUUID()
      const lease = await acquire(subject)
      expect(lease?.isHeld()).toBe(true)
      expect(await acquire(subject)).toBeNull()
      expect(await acquire(randomUUID())).not.toBeNull()
      await lease?.release()
      await lease?.release()
      expect(lease?.isHeld()).toBe(false)
      expect(lease?.signal.aborted).toBe(false)
      expect(await acquire(subject)).not.toBeNull()
    })

    test('of many who want it at once, one gets it', async () => {
      const subject = randomUUID()
      const leases = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => acquire(subject)))
      expect(leases.filter(lease => lease !== null)).toHaveLength(1)
      await expire(subject)
      const next = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => acquire(subject)))
      expect(next.filter(lease => lease !== null)).toHaveLength(1)
    })

    test.each([
      ['has ended', 'pid', 999_999_999],
      ['has ended and left its pid to another one', 'started', '1'],
    ] as const)('a process of this machine that %s has none', async (_, column, value) => {
      const subject = randomUUID()
      await acquire(subject)
      await setLease(subject, column, value)
      expect(await acquire(subject)).not.toBeNull()
    })

    test.each([
      ['another machine', 'another boot, another namespace'],
      ['a system that does not tell', null],
    ])('of a process of %s only the clock counts', async (_, host) => {
      const subject = randomUUID()
      await acquire(subject)
      await setLease(subject, 'host', host)
      await setLease(subject, 'pid', 999_999_999)
      expect(await acquire(subject)).toBeNull()
      await expire(subject)
      expect(await acquire(subject)).not.toBeNull()
    })

    test('a run that lost its backup can write nothing about it any more, and is told', async () => {
      const send = new TestSend(database)
      await send.begin()
      await send.send(1)
      const { sendId } = await send.intend(2)
      await expire(send.backupId)
      const other = await acquire(send.backupId)
      const leaseToken = send.lease.token
      const whole = {
        backupId: send.backupId,
        size: 1,
        archiveSize: 20,
        plainSha256: hash('a'),
        archiveSha256: hash('b'),
        partCount: 2,
        leaseToken,
      }
      const message = { ...send.key(2), messageId: 502, fileId: 'f', sendId, leaseToken }
      const writes = [
        () => send.intend(3),
        () => confirmPart(database, message),
        () => markPart(database, { ...send.key(1), state: 'erased', leaseToken }),
        () => sealBackup(database, { ...whole, manifest: Buffer.from('m') }),
        () => completeBackup(database, whole),
        () => failBackup(database, { backupId: send.backupId, error: 'x', leaseToken }),
      ]
      for (const write of writes) await expect(write()).rejects.toMatchObject({ code: 'LEASE_LOST' })
      expect(send.lease.isHeld()).toBe(false)
      expect(send.lease.signal.reason).toMatchObject({ code: 'LEASE_LOST' })
      await send.lease.release()
      expect(await acquire(send.backupId)).toBeNull()
      expect(await openSends(database, { backupId: send.backupId })).toMatchObject([
        { id: sendId, partNumber: 2 },
      ])
      await confirmPart(database, { ...message, leaseToken: other?.token })
      expect(await openSends(database)).toEqual([])
    })

    test('an expired lease that nobody took is still good for writes', async () => {
      const send = new TestSend(database)
      await send.begin()
      await expire(send.backupId)
      await send.send(1)
      expect(await acquire(send.backupId)).not.toBeNull()
    })

    test('who has no lease writes nothing while somebody alive has it', async () => {
      const send = new TestSend(database)
      await send.begin()
      await send.send(1)
      const blind = { leaseToken: undefined }
      await expect(send.intend(2, blind)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining(`process ${process.pid}`),
      })
      await expect(
        markErasing(database, { backupId: send.backupId, evenTheLast: true }),
      ).rejects.toMatchObject({
        code: 'BUSY',
      })
      await expect(reopenBackup(database, { backupId: send.backupId })).rejects.toMatchObject({
        code: 'BUSY',
      })
      await send.lease.release()
      await send.intend(2, blind)
    })

    test('the end of a backup is the end of its lease', async () => {
      const whole = new TestSend(database)
      await whole.begin()
      await whole.send(1, 2, 3, 0)
      await whole.complete()
      const failed = new TestSend(database)
      await failed.begin()
      await failBackup(database, { backupId: failed.backupId, error: 'x', leaseToken: failed.token })
      for (const { lease, backupId } of [whole, failed]) {
        expect(lease.isHeld()).toBe(false)
        expect(lease.signal.aborted).toBe(false)
        expect(await acquire(backupId)).not.toBeNull()
      }
    })

    test('a refused end changes nothing, and the lease is held as before', async () => {
      const send = new TestSend(database)
      await send.begin()
      await expect(send.complete()).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(send.lease.isHeld()).toBe(true)
    })

    test('when nobody can tell whether the end was committed, the lease does not count until the catalog has said', async () => {
      const send = new TestSend(database)
      await send.begin()
      await send.send(1, 2, 3, 0)
      await sql`
        create function control_plane.cut() returns trigger language plpgsql as $$ begin
          perform pg_terminate_backend(pg_backend_pid()); return new;
        end $$;
        create trigger cut before update on control_plane.backups
          for each statement execute function control_plane.cut();
      `.execute(database.kysely)
      await expect(send.complete()).rejects.toMatchObject({ code: 'CATALOG' })
      expect(send.lease.isHeld()).toBe(false)
      await expect.poll(() => send.lease.isHeld()).toBe(true)
      await sql`drop function control_plane.cut() cascade`.execute(database.kysely)
      await send.complete()
    })

    test('what is under way and what was left behind are told apart', async () => {
      const [alive, dead, failed, empty] = [1, 2, 3, 4].map(() => new TestSend(database))
      for (const send of [alive, dead, failed, empty]) {
        await send?.begin()
        await nextMillisecond(database)
      }
      await dead?.send(1)
      await dead?.intend(2)
      await setLease(dead?.backupId ?? '', 'pid', 999_999_999)
      await failed?.send(1)
      for (const send of [failed, empty]) {
        const [backupId, leaseToken] = [send?.backupId ?? '', send?.token]
        await failBackup(database, { backupId, leaseToken, error: 'x', resumable: true })
      }
      const found = await unfinishedWork(database)
      expect(found.sending.map(({ id, alive }) => [id, alive])).toEqual([
        [alive?.backupId, true],
        [dead?.backupId, false],
      ])
      expect(found.sending[0]?.leaseExpiresAt).toBeInstanceOf(Date)
      expect(found.failedWithMessages).toMatchObject([
        { id: failed?.backupId, alive: false, leaseExpiresAt: null, resumable: true },
      ])
      expect(found).toMatchObject({ erasing: [], restores: [], openSends: 1 })
      expect(found.leases.map(({ subject, alive }) => [subject, alive])).toEqual([
        [alive?.backupId, true],
        [dead?.backupId, false],
      ])
      await deleteBackup(database, failed?.backupId ?? '')
      expect((await unfinishedWork(database)).erasing).toMatchObject([{ id: failed?.backupId, alive: false }])
    })

    test('a failed backup goes on with what it had, and one whose run died as well', async () => {
      const send = new TestSend(database)
      await send.begin()
      await send.send(1)
      const { backupId } = send
      await failBackup(database, { backupId, error: 'x', leaseToken: send.token, resumable: true })
      const first = await reopenBackup(database, { backupId })
      taken.push(first.lease)
      expect(first).toMatchObject({ generation: 1, recentMessages: [{ run: backupId }] })
      expect(await getBackupById(database, backupId)).toMatchObject({
        state: 'sending',
        error: null,
        resumable: false,
      })
      await expire(backupId)
      const { lease } = await reopenBackup(database, { backupId })
      taken.push(lease)
      for (const partNumber of [2, 3, 0]) {
        const leaseToken = lease.token
        await send.intend(partNumber, { leaseToken })
        const message = { ...send.key(partNumber), messageId: 600 + partNumber, fileId: 'f' }
        await confirmPart(database, { ...message, leaseToken })
      }
      expect((await send.complete({ leaseToken: lease.token })).state).toBe('complete')
      await expect(reopenBackup(database, { backupId })).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(reopenBackup(database, { backupId: randomUUID() })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
    })
  })
}
