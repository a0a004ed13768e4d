import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  acquireLease,
  beginVerification,
  createBackup,
  type Database,
  deleteBackup,
  finishVerification,
  getBackupById,
  type Lease,
  listHistory,
  listVerifications,
  markErasing,
  pinBackup,
} from '#index.ts'
import { nextMillisecond } from '#test/clock.ts'

/** What is said about a backup that is there: that it is to stay, and that it is sound. */
export function describePins(open: () => Promise<Database>): void {
  describe('pins and verifications', () => {
    let database: Database
    let id: string
    const leases: Lease[] = []
    beforeEach(async () => {
      database = await open()
      const input = { project_id: 'p', type: 'logs' as const, file_id: 'f', size: 1 }
      id = (await createBackup(database, input)).id
      await createBackup(database, input)
    })
    afterEach(async () => {
      for (const lease of leases.splice(0)) await lease.release()
      await database.close()
    })

    const events = async () => (await listHistory(database, id)).map(({ event }) => event)

    async function take(): Promise<string> {
      const lease = await acquireLease(database, { subject: id, purpose: 'verify' })
      if (!lease) throw new Error('somebody has the lease')
      leases.push(lease)
      return lease.token
    }

    test('a pin stays as it was set, is in the history, and is taken away', async () => {
      expect(await pinBackup(database, id, true)).toBe(true)
      const pinned = await getBackupById(database, id)
      expect(pinned?.pinned_at).toBeInstanceOf(Date)
      expect(await pinBackup(database, id, true)).toBe(true)
      expect((await getBackupById(database, id))?.pinned_at).toEqual(pinned?.pinned_at)
      expect(await pinBackup(database, id, false)).toBe(true)
      expect((await getBackupById(database, id))?.pinned_at).toBeNull()
      expect(await events()).toEqual(['created', 'pinned', 'pinned', 'unpinned'])
    })

    test('what is pinned is not marked as to be erased by any way', async () => {
      await pinBackup(database, id, true)
      await expect(deleteBackup(database, id)).rejects.toMatchObject({ code: 'CONFLICT' })
      const erase = (evenTheLast: boolean) => markErasing(database, { backupId: id, evenTheLast })
      await expect(erase(false)).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(erase(true)).rejects.toMatchObject({ code: 'CONFLICT' })
      const bare = sql`update control_plane.backups set state = 'erasing' where id = ${id}`
      await expect(bare.execute(database.kysely)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await getBackupById(database, id)).toMatchObject({ state: 'complete' })
      const { rows } = await sql`select from control_plane.leases`.execute(database.kysely)
      expect(rows).toEqual([])
    })

    test('only what is complete can be pinned', async () => {
      await deleteBackup(database, id)
      for (const other of [id, randomUUID(), '../x'])
        expect(await pinBackup(database, other, true)).toBe(false)
      expect(await events()).toEqual(['created', 'erasing'])
    })

    test('a verification is written down before it begins, and how it ended afterwards, newest first', async () => {
      const leaseToken = await take()
      const first = await beginVerification(database, { backupId: id, kind: 'existence', leaseToken })
      expect(await listVerifications(database, id)).toMatchObject([
        { id: first, state: 'running', kind: 'existence', finished_at: null, findings: [] },
      ])
      const looked = { parts: 2, bytes: 0, findings: [] }
      await finishVerification(database, { verificationId: first, state: 'sound', ...looked })
      expect((await getBackupById(database, id))?.verified_at).toBeNull()
      await nextMillisecond(database)
      const second = await beginVerification(database, { backupId: id, kind: 'data', leaseToken })
      await finishVerification(database, {
        verificationId: second,
        state: 'sound',
        parts: 2,
        bytes: 20,
        findings: [],
      })
      expect((await getBackupById(database, id))?.verified_at).toBeInstanceOf(Date)
      expect(await listVerifications(database, id)).toMatchObject([
        { id: second, state: 'sound', kind: 'data', bytes: 20, finished_at: expect.any(Date) },
        { id: first, state: 'sound', kind: 'existence' },
      ])
      const again = { verificationId: second, state: 'damaged' as const, ...looked }
      await expect(finishVerification(database, again)).rejects.toMatchObject({ code: 'CONFLICT' })
      const unknown = { ...again, verificationId: randomUUID() }
      await expect(finishVerification(database, unknown)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await events()).toEqual(['created', 'verified', 'verified'])
    })

    test('what was found damaged, or could not be looked at, does not count as verified', async () => {
      const leaseToken = await take()
      const findings = [{ part_no: 1, finding: 'missing' }]
      for (const state of ['damaged', 'failed'] as const) {
        await nextMillisecond(database)
        const verificationId = await beginVerification(database, { backupId: id, kind: 'data', leaseToken })
        await finishVerification(database, {
          verificationId,
          state,
          parts: 1,
          bytes: 9,
          findings,
          error: 'x\0',
        })
      }
      expect((await getBackupById(database, id))?.verified_at).toBeNull()
      expect(await listVerifications(database, id)).toMatchObject([
        { state: 'failed', findings, error: 'x' },
        { state: 'damaged', findings, error: 'x' },
      ])
      expect(await events()).toEqual(['created', 'verified', 'verification failed'])
    })

    test('who has not the lease begins none; what was broken off is ended by the next one', async () => {
      const leaseToken = await take()
      const of = { backupId: id, kind: 'data' as const }
      const first = await beginVerification(database, { ...of, leaseToken })
      const stranger = beginVerification(database, { ...of, leaseToken: randomUUID() })
      await expect(stranger).rejects.toMatchObject({ code: 'LEASE_LOST' })
      await nextMillisecond(database)
      const second = await beginVerification(database, { ...of, leaseToken })
      expect(await listVerifications(database, id)).toMatchObject([
        { id: second, state: 'running' },
        { id: first, state: 'failed', error: expect.any(String), finished_at: expect.any(Date) },
      ])
      const late = { verificationId: first, state: 'sound' as const, parts: 1, bytes: 1, findings: [] }
      await expect(finishVerification(database, late)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect((await getBackupById(database, id))?.verified_at).toBeNull()
    })
  })
}
