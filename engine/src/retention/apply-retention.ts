import { getBackupById, markErasing } from '@telegram-backup/database'
import { shownId } from '@telegram-backup/database/missing-files'
import { describeError } from '@telegram-backup/errors'
import {
  type ErasureEnds,
  eraseTogether,
  inGroups,
  isReasonToStay,
  reportErasures,
} from '@telegram-backup/vault/erase/erase-together.ts'
import { reconcileAbandonedRuns } from '@telegram-backup/vault/reconcile/abandoned-runs.ts'
import { endsEverything, type HeldBackup, type VaultSession } from '@telegram-backup/vault/session/session.ts'
import { planRetention, type RetentionPlan, withWord } from '#retention/catalog-plan.ts'

/**
 * Erases what the plan says. A failure of one backup goes into the report and does not stop the others; a
 * backup that another process erases meanwhile is fine. Throws when the catalog fails or the signal fires.
 * @param options.agreed a person confirmed the decisions that need it
 * @param options.waitForLiving also waits for the erasures of other processes, however long they take
 */
export async function applyRetention(
  session: VaultSession,
  plan: RetentionPlan,
  { agreed, waitForLiving }: { agreed: boolean; waitForLiving: boolean },
): Promise<void> {
  // Backups that are already marked may belong to a living process: see below.
  const decided = (agreed ? withWord(plan) : plan).filter(({ backup }) => backup.state !== 'erasing')
  for (const { backup, decision, reason, isGuarded } of decided) {
    if (decision !== 'erase' && isGuarded) session.report.kept.push({ backup_id: backup.id, reason })
  }
  const others = new Set<string>()
  for (const group of inGroups(decided.filter(({ decision }) => decision === 'erase'))) {
    for (const id of await eraseGroup(session, await stillToGo(session, group))) others.add(id)
  }
  // What just failed would fail again.
  const except = session.report.pending.flatMap(({ backup_id }) => backup_id ?? [])
  await reconcileAbandonedRuns(session, { waitMs: 0, only: 'erasing', except, waitForLiving })
  await reportErasedByOthers(session, others)
}

/**
 * Plans again: the confirmation and the groups before this one took time, and a policy may keep more since
 * then. What needs a confirmation now was either confirmed, or needed none when it was announced.
 */
async function stillToGo({ database, report }: VaultSession, group: RetentionPlan): Promise<RetentionPlan> {
  const now = new Map((await planRetention(database)).map(made => [made.backup.id, made]))
  return group.filter(({ backup }) => {
    const made = now.get(backup.id)
    if (made === undefined || made.decision === 'erase' || made.needsWord) return true
    report.kept.push({ backup_id: backup.id, reason: made.reason })
    return false
  })
}

/** Returns the ids of backups that other processes erase, or have erased. */
async function eraseGroup(session: VaultSession, group: RetentionPlan): Promise<string[]> {
  const held: HeldBackup[] = []
  const others: string[] = []
  try {
    for (const { backup, reason } of group) {
      session.say(`erasing backup ${shownId(backup)}: ${reason}`)
      try {
        const mark = { backupId: backup.id, evenTheLast: false, reason }
        held.push({ backupId: backup.id, lease: await markErasing(session.database, mark) }) // E1
      } catch (error) {
        if (endsEverything(session, error)) throw error
        if (await isOthersWork(session, backup.id, error)) others.push(backup.id)
      }
    }
    const ends = await eraseTogether(session, held)
    others.push(...takeLost(ends))
    reportErasures(session, ends)
    return others
  } finally {
    for (const { lease } of held) await lease.release()
  }
}

/** Reports why a backup could not be marked, unless another process has marked it. */
async function isOthersWork(
  { database, report }: VaultSession,
  backup_id: string,
  error: unknown,
): Promise<boolean> {
  const backup = await getBackupById(database, backup_id)
  if (backup?.state === 'erasing' || backup?.state === 'erased') return true
  const { message, code } = describeError(error)
  if (backup?.pinned_at != null) report.kept.push({ backup_id, reason: 'pinned meanwhile' })
  else report[isReasonToStay(code) ? 'kept' : 'pending'].push({ backup_id, code, reason: message })
  return false
}

/** Backups whose lease expired, so that another process has continued them. */
function takeLost(ends: ErasureEnds): string[] {
  const lost = [...ends].filter(
    ([, end]) => 'failure' in end && describeError(end.failure).code === 'LEASE_LOST',
  )
  for (const [id] of lost) ends.delete(id)
  return lost.map(([id]) => id)
}

async function reportErasedByOthers(
  { database, report }: VaultSession,
  ids: ReadonlySet<string>,
): Promise<void> {
  const here = new Set(report.erased_backups.map(({ backup_id }) => backup_id))
  for (const id of ids.difference(here)) {
    if ((await getBackupById(database, id))?.state !== 'erased') continue
    report.erased_backups.push({ backup_id: id, by_another_process: true })
  }
}
