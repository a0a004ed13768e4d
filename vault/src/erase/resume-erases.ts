import { acquireLease, getBackupById } from '@telegram-backup/database'
import { eraseTogether, inGroups, reportErasures } from '#erase/erase-together.ts'
import type { HeldBackup, VaultSession } from '#session/session.ts'

/** R4: resumes interrupted erases, many at once. Returns the ids of those that no other process works on. */
export async function resumeErases(
  session: VaultSession,
  backupIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const tried = new Set<string>()
  for (const group of inGroups(backupIds)) {
    const held: HeldBackup[] = []
    try {
      for (const backupId of group) {
        const lease = await acquireLease(session.database, { subject: backupId, purpose: 'reconcile' })
        if (lease === null) continue
        tried.add(backupId)
        held.push({ backupId, lease })
      }
      reportErasures(session, await eraseTogether(session, await stillErasing(session, held)))
    } finally {
      for (const { lease } of held) await lease.release()
    }
  }
  return tried
}

/** Without those that another process erased just before we got the lease. */
async function stillErasing({ database }: VaultSession, held: readonly HeldBackup[]): Promise<HeldBackup[]> {
  const still: HeldBackup[] = []
  for (const one of held) {
    if ((await getBackupById(database, one.backupId))?.state === 'erasing') still.push(one)
  }
  return still
}
