import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createBackup,
  type Database,
  deleteBackup,
  deleteExpiredBackups,
  failBackup,
  getBackupById,
  listHistory,
  markPart,
  updateBackup,
} from '#index.ts'
import { TestSend } from '#test/test-send.ts'

const FULL = {
  name: 'CatalogError',
  code: 'CATALOG',
  message: 'The disk of the catalog is full',
  hint: expect.stringContaining('Free room on the disk of the state folder'),
}

/** What each writing function says when the server's disk is full, which it tells by SQLSTATE 53100. */
export function describeFullDisk(open: () => Promise<Database>): void {
  describe('full disk', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    async function fillDisk(): Promise<void> {
      await sql`
        create function control_plane.full_disk() returns trigger language plpgsql as $$ begin
          raise exception 'could not extend file "base/5/16384": No space left on device' using errcode = '53100';
        end $$;
        create trigger full_disk before insert or update on control_plane.backups
          for each statement execute function control_plane.full_disk();
        create trigger full_disk before insert or update on control_plane.backup_parts
          for each statement execute function control_plane.full_disk();
      `.execute(database.kysely)
    }

    async function freeDisk(): Promise<void> {
      await sql`drop function control_plane.full_disk() cascade`.execute(database.kysely)
    }

    test('every write names the full disk and what to do, changes nothing, and works when there is room', async () => {
      const backup = { project_id: 'shop', type: 'logs', file_id: 'f', size: 1 } as const
      const { id } = await createBackup(database, backup)
      const send = new TestSend(database)
      await send.begin()
      await send.send(1, 2)
      await send.intend(3)
      await send.send(0)
      const before = [await getBackupById(database, id), await getBackupById(database, send.backupId)]
      const writes = [
        () => createBackup(database, backup),
        () => updateBackup(database, id, { restore_count: 1 }),
        () => deleteExpiredBackups(database),
        () => new TestSend(database).begin('-100456'),
        () => send.intend(3),
        () => send.confirm(3),
        () => markPart(database, { ...send.key(1), leaseToken: send.token, state: 'missing' }),
        () => failBackup(database, { backupId: send.backupId, leaseToken: send.token, error: 'cancelled' }),
        () => deleteBackup(database, id),
      ]
      await fillDisk()
      for (const write of writes) {
        await expect(write()).rejects.toMatchObject(FULL)
      }
      expect([await getBackupById(database, id), await getBackupById(database, send.backupId)]).toEqual(
        before,
      )
      expect(await listHistory(database, id)).toHaveLength(1)
      await freeDisk()
      await send.confirm(3)
      expect((await send.complete()).state).toBe('complete')
      expect(await deleteBackup(database, id)).toBe(true)
    })
  })
}
