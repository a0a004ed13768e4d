import {
  announce,
  claimNotice,
  closeNotice,
  createBackup,
  createExpiryJobWhenDue,
} from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { expect, it } from 'vitest'

const deliver = async (): Promise<void> => {}
const HOUR_MS = 3_600_000

it('an erase that waited for its notice is gone on with as soon as that was told, and not before', async () => {
  const database = await openTestCatalog()
  const due = async (): Promise<boolean> =>
    (await createExpiryJobWhenDue(database, { leastMs: HOUR_MS, mostMs: HOUR_MS }, deliver)) !== null
  const endJobs = (): Promise<unknown> =>
    sql`update control_plane.jobs set state = 'done', created_at = created_at - interval '1 second'`.execute(
      database.kysely,
    )
  try {
    expect(await due()).toBe(true)
    await endJobs()
    const { id } = await createBackup(database, {
      project_id: 'shop',
      type: 'database',
      file_id: 'f',
      size: 1,
    })
    const [noticeId] = await announce(database, { channels: ['webhook'], notice: {} })
    await sql`insert into control_plane.retention_notices (backup_id, kind, notice_id) values (${id}, 'erase', ${noticeId})`.execute(
      database.kysely,
    )
    expect(await due()).toBe(false)
    const notice = await claimNotice(database, { channels: ['webhook'], claimForMs: 1_000 })
    if (notice === null) throw new Error('nothing waits')
    await closeNotice(database, { ...notice, wasTold: true })
    expect(await due()).toBe(true)
    // Once: the job that was made for it is newer than the telling, which in whole milliseconds, or by a
    // clock that was put back, may look otherwise.
    await sql`update control_plane.jobs set state = 'done', created_at = created_at + interval '1 second'`.execute(
      database.kysely,
    )
    expect(await due()).toBe(false)
  } finally {
    await database.discard()
  }
})
