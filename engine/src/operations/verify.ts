import {
  type Backup,
  type BackupType,
  type Database,
  getBackupById,
  type JobProgress,
  queryBackups,
} from '@telegram-backup/database'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { endsEverything, type VaultSession } from '@telegram-backup/vault/session/session.ts'
import type { Finding, VerificationReport } from '@telegram-backup/vault/verify/verification-report.ts'
import { verifyBackup } from '@telegram-backup/vault/verify/verify-backup.ts'
import type { Engine, Watching } from '#engine.ts'
import type { Drills } from '#operations/drill.ts'
import type { DrillReport } from '#proof/drill-report.ts'

export type { Finding, VerificationReport }

export type VerifyOutcome = { backup: Backup } & (
  | { report: VerificationReport; drill?: DrillOutcome | undefined }
  | { error: unknown }
  | { skipped: string }
)

/** The result of its drill; `damaged`: there was none, because the bytes are wrong. */
export type DrillOutcome = DrillReport | { error: unknown } | 'damaged'

export interface VerifyRequest {
  backups: readonly Backup[]
  /** Reads every byte; else it only asks for the messages. */
  readData: boolean
  drills?: Drills | undefined
  /** Nobody named a single backup: a backup that is erased meanwhile or cannot be drilled here is skipped. */
  isMany: boolean
  /** The job that asked for it; for the record. */
  jobId?: string | undefined
}

export interface VerifyHooks extends Watching {
  /** `index` counts the backups from 0. */
  onProgress?: (progress: JobProgress, of: { index: number }) => void
  /** Called when the messages of one were asked for, or its bytes were read. */
  onRead?: () => void
}

/** Every complete backup, or those of a project or a type. Throws `INVALID` for an unknown type. */
export async function completeBackups(
  database: Database,
  { project, type }: { project?: string | undefined; type?: string | undefined },
): Promise<Backup[]> {
  const { data } = await queryBackups(database, {
    projectId: project,
    type: type as BackupType | undefined,
    state: 'complete',
  })
  return data
}

/**
 * Verifies backups, one after the other: that every message exists, with `readData` that every byte is what
 * was sent. It repairs what a second chat still has. A backup that cannot be verified does not stop the
 * others. Throws when the catalog fails or the signal fires.
 */
export async function verify(
  engine: Engine,
  request: VerifyRequest,
  hooks: VerifyHooks,
): Promise<VerifyOutcome[]> {
  const session = await openSession({ ...engine, signal: hooks.signal, say: line => hooks.note(line) })
  const outcomes: VerifyOutcome[] = []
  for (const [index, backup] of request.backups.entries()) {
    const outcome = await verifyOne(session, { backup, index, request, hooks })
    const isGone = request.isMany && !isSound(outcome) && (await isGoneMeanwhile(engine.database, backup.id))
    outcomes.push(isGone ? { backup, skipped: 'erased meanwhile' } : outcome)
  }
  return outcomes
}

/** Sound or repaired, with nothing left out; or skipped. */
export function isSound(outcome: VerifyOutcome): boolean {
  if ('skipped' in outcome) return true
  if ('error' in outcome) return false
  const { report, drill } = outcome
  if (report.unproven.length > 0 || report.findings.some(({ mended }) => !mended)) return false
  return drill === undefined || drill === 'damaged' || ('state' in drill && drill.state !== 'differs')
}

async function verifyOne(
  session: VaultSession,
  of: { backup: Backup; index: number; request: VerifyRequest; hooks: VerifyHooks },
): Promise<VerifyOutcome> {
  const { backup, index, request, hooks } = of
  const { drills, readData, jobId } = request
  try {
    const unfit = drills && (await whyUnfit(drills, backup, { isMany: request.isMany, signal: hooks.signal }))
    const onProgress = (progress: JobProgress): void => hooks.onProgress?.(progress, { index })
    const report = await verifyBackup(session, { backupId: backup.id, readData, jobId, onProgress })
    hooks.onRead?.()
    if (drills === undefined) return { backup, report }
    // A backup whose bytes are wrong is not restored.
    const drill =
      report.state === 'damaged' ? 'damaged' : (unfit ?? (await drillOne(session, drills, backup)))
    return { backup, report, drill }
  } catch (error) {
    if (endsEverything(session, error)) throw error
    return { backup, error }
  } finally {
    hooks.onRead?.()
  }
}

/** Why this backup cannot be drilled here. Of many backups it is still read; for a single one it throws. */
async function whyUnfit(
  drills: Drills,
  backup: Backup,
  { isMany, signal }: { isMany: boolean; signal: AbortSignal },
): Promise<{ error: unknown } | undefined> {
  try {
    await drills.check(backup)
    return undefined
  } catch (error) {
    if (!isMany || signal.aborted) throw error
    return { error }
  }
}

/** Returns an error instead of throwing it: a failed drill must not stop the others. */
async function drillOne(session: VaultSession, drills: Drills, backup: Backup): Promise<DrillOutcome> {
  try {
    return await drills.make(backup)
  } catch (error) {
    if (endsEverything(session, error)) throw error
    return { error }
  }
}

/** Retention or a person has erased it by now: then missing parts are no damage. */
async function isGoneMeanwhile(database: Database, backupId: string): Promise<boolean> {
  const backup = await getBackupById(database, backupId)
  return backup === null || backup.state === 'erasing' || backup.state === 'erased'
}
