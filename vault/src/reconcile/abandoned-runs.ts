import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Attendance,
  acquireLease,
  type Backup,
  type BackupState,
  getBackupById,
  openSends,
  unsettled,
} from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import { resumeErases } from '#erase/resume-erases.ts'
import { eraseFailed, eraseRemains, reconcileSend } from '#reconcile/interrupted-sends.ts'
import { failAbandonedRestore } from '#reconcile/settle-restores.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import { mayBeResumed } from '#session/resumable.ts'
import { cancelled, endsEverything, type HeldBackup, type VaultSession } from '#session/session.ts'

const POLL_MS = 1_000

/** Something whose run may be dead. */
export interface Unfinished {
  /** Of a backup or a restore, which is also the subject of its lease. */
  readonly id: string
  /** What the report calls it. */
  readonly reported: { backup_id: string } | { restore_id: string }
  /** Of a backup, where it is not at rest. */
  readonly state?: BackupState
  /** Null where nobody holds a lease. */
  readonly leaseExpiresAt: Date | null
  /** Somebody holds a lease that has not expired, and is not known to be gone. */
  readonly isAlive: boolean
  /** Undefined while somebody alive works on it; then nothing was touched. */
  settle(session: VaultSession): Promise<'settled' | undefined>
}

/**
 * R1: backups and restores that are not at rest, backups of which a call was never answered, and whatever else somebody
 * held a lease of and died.
 */
export async function findUnfinished({ database }: Pick<VaultSession, 'database'>): Promise<Unfinished[]> {
  const found = await unsettled(database)
  const backups = [...found.sending, ...found.erasing, ...found.failedWithMessages.filter(isToBeErased)]
  const known = new Set([...backups, ...found.restores].map(({ id }) => id))
  const unanswered = found.openSends === 0 ? [] : await openSends(database, {})
  const others = new Set([
    ...unanswered.map(open => open.backupId).filter(id => id !== null),
    ...found.leases.filter(lease => !lease.alive).map(lease => lease.subject),
  ])
  return [
    ...backups.map(backup => ({
      id: backup.id,
      reported: { backup_id: backup.id },
      state: backup.state,
      leaseExpiresAt: backup.leaseExpiresAt,
      isAlive: backup.alive,
      settle: (session: VaultSession) => reconcileByState(session, backup),
    })),
    ...[...others.difference(known)].map(id => ({
      id,
      reported: { backup_id: id },
      leaseExpiresAt: null,
      isAlive: false,
      settle: (session: VaultSession) => reconcileOther(session, id),
    })),
    ...found.restores.map(restore => ({
      id: restore.id,
      reported: { restore_id: restore.id },
      leaseExpiresAt: restore.leaseExpiresAt,
      isAlive: restore.alive,
      settle: (session: VaultSession) => failAbandonedRestore(session, restore),
    })),
  ]
}

/**
 * One that may go on keeps its messages for a while, unless a run died over it: that one was about to go on, and may have
 * erased what the catalog says is there.
 */
function isToBeErased(backup: Backup & Attendance): boolean {
  const isAbandoned = backup.leaseExpiresAt !== null && !backup.alive
  return isAbandoned || !mayBeResumed(backup)
}

/**
 * R1 to R6. Of a lease that is held, time tells whether its holder lives: it is renewed, or it expires. So the living are
 * passed over once they are seen to renew, and the dead are settled once their lease has expired, within `waitMs`.
 * @param options.except these are left alone
 * @param options.waitForLiving waits for the living as well, until all is at rest, however long that takes
 */
export async function reconcileAbandonedRuns(
  session: VaultSession,
  options: { waitMs: number; only?: 'erasing'; except?: Iterable<string>; waitForLiving?: boolean },
): Promise<void> {
  const { waitMs, only, waitForLiving = false } = options
  const { report, signal } = session
  const until = performance.now() + waitMs
  const seenFirst = new Map<string, number>()
  const done = new Set<string>(options.except)
  let isWaiting = false
  for (;;) {
    const held: Unfinished[] = []
    const erasing: Unfinished[] = []
    for (const run of await findUnfinished(session)) {
      if (done.has(run.id) || (only !== undefined && run.state !== only)) continue
      const expiresAt = run.leaseExpiresAt?.getTime() ?? 0
      const first = seenFirst.get(run.id) ?? expiresAt
      seenFirst.set(run.id, first)
      if (run.isAlive && expiresAt > first && !waitForLiving) {
        done.add(run.id)
        report.kept.push({ ...run.reported, reason: 'A process that is alive works on it' })
      } else if (run.state === 'erasing') erasing.push(run)
      else if (await reconcileOne(session, run)) done.add(run.id)
      else held.push(run)
    }
    const erased = await resumeErases(
      // R4
      session,
      erasing.map(({ id }) => id),
    )
    for (const run of erasing) {
      if (erased.has(run.id)) done.add(run.id)
      else held.push(run)
    }
    if (held.length === 0) return
    if (performance.now() >= until && !waitForLiving) {
      const reason = 'A process works on it that may be alive'
      for (const run of held) report.kept.push({ ...run.reported, reason })
      return
    }
    if (!isWaiting)
      session.say(
        waitForLiving
          ? `waiting for another process that works on ${held.length} of them`
          : 'waiting for a lease to be renewed or to expire',
      )
    isWaiting = true
    await sleep(POLL_MS, undefined, { signal }).catch(() => {
      throw cancelled()
    })
  }
}

/** False while somebody alive has it. What fails for it is told, and stops nothing else. */
async function reconcileOne(session: VaultSession, run: Unfinished): Promise<boolean> {
  try {
    return (await run.settle(session)) !== undefined
  } catch (error) {
    if (endsEverything(session, error)) throw error
    const { message, code } = describeError(error)
    session.report.pending.push({ ...run.reported, code, reason: message })
    return true
  }
}

/**
 * R1 to R6 for one backup, at once; returns it as it then is, null for one that is not there. One that may go on from its
 * file keeps its parts, unless it has failed `forGood`. Throws `BUSY` while somebody alive works on it.
 */
export async function reconcileBackup(
  session: VaultSession,
  backupId: string,
  { forGood = false }: { forGood?: boolean } = {},
): Promise<Backup | null> {
  for (;;) {
    const backup = await getBackupById(session.database, backupId)
    const isAtRest =
      backup === null ||
      backup.state === 'complete' ||
      backup.state === 'erased' ||
      (backup.state === 'failed' && mayBeResumed(backup) && !forGood)
    if (isAtRest) return backup
    if ((await reconcileByState(session, backup)) === undefined) {
      throw new BackupError('Another process works on the backup of this job', {
        code: 'BUSY',
        hint: 'It is tried again; a process that died is noticed within a minute.',
      })
    }
    if (backup.state === 'failed' || backup.state === 'erasing') {
      return await getBackupById(session.database, backupId)
    }
  }
}

/** By the state it is in, unless somebody else has settled it just before the lease became ours. */
async function reconcileByState(session: VaultSession, found: Backup): Promise<'settled' | undefined> {
  if (found.state === 'erasing')
    return (await resumeErases(session, [found.id])).has(found.id) ? 'settled' : undefined
  return await withLease(session, found.id, async held => {
    const backup = await getBackupById(session.database, found.id)
    if (backup?.state !== found.state) return
    if (backup.state === 'sending') await reconcileSend(session, held, backup)
    else await eraseFailed(session, held)
  })
}

/**
 * A backup that is at rest but for a call, or for a lease, which goes by being taken and given back. What is found of one
 * that has failed is adopted so that it can be erased like the rest.
 */
function reconcileOther(session: VaultSession, id: string): Promise<'settled' | undefined> {
  return withLease(session, id, async held => {
    await lookForMessages(session, held)
    const backup = await getBackupById(session.database, id)
    if (backup?.state === 'failed' && !mayBeResumed(backup)) await eraseRemains(session, held)
  })
}

async function withLease(
  { database }: VaultSession,
  backupId: string,
  work: (held: HeldBackup) => Promise<void>,
): Promise<'settled' | undefined> {
  const lease = await acquireLease(database, { subject: backupId, purpose: 'reconcile' })
  if (lease === null) return undefined
  try {
    await work({ backupId, lease })
    return 'settled'
  } finally {
    await lease.release()
  }
}
