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
import type { Drills } from '#operations/drill.ts'
import type { Engine, Watching } from '#operations/engine.ts'
import type { DrillReport } from '#proof/drill-report.ts'

export type { Finding, VerificationReport }

/** What became of the verification of one backup. */
export type VerifyOutcome = { backup: Backup } & (
  | { report: VerificationReport; drill?: DrillOutcome | undefined }
  | { error: unknown }
  | { skipped: string }
)

/** What became of its drill; `damaged`: it was not made, since the bytes are wrong. */
export type DrillOutcome = DrillReport | { error: unknown } | 'damaged'

/** What is to be verified. */
export interface VerifyRequest {
  backups: readonly Backup[]
  /** Read every byte, and not only ask for the messages. */
  readData: boolean
  /** Also restore each, and compare. */
  drills?: Drills | undefined
  /**
   * Nobody has named one: what is erased meanwhile is not missed, and what cannot be drilled here is told and
   * passed over.
   */
  isMany: boolean
}

/** Callbacks of a verification. */
export interface VerifyHooks extends Watching {
  /** `index` counts the backups from 0. */
  onProgress?: (progress: JobProgress, of: { index: number }) => void
  /** The messages of one have been asked for, or its bytes read. */
  onRead?: () => void
}

/**
 * Every complete backup, or those of a project or a type. Throws `INVALID` for a type that there is none of.
 */
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
 * Verifies backups, one after the other: that every message is there, with `readData` that every byte is what
 * was sent. What a second chat still has is mended. One that cannot be verified keeps none of the others from
 * it. Throws what would meet them all.
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

/** Sound, or mended, and nothing was left out; or there is nothing any more that could be wrong. */
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
  const { drills, readData } = request
  try {
    const unfit = drills && (await whyUnfit(drills, backup, { isMany: request.isMany, signal: hooks.signal }))
    const onProgress = (progress: JobProgress): void => hooks.onProgress?.(progress, { index })
    const report = await verifyBackup(session, { backupId: backup.id, readData, onProgress })
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

/** Why this backup cannot be drilled here. Of many it is read all the same; of one, it is thrown. */
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

/**
 * Whether retention or a person has erased the backup by now. Then it is no damage that parts of it are
 * missing.
 */
export async function isGoneMeanwhile(database: Database, backupId: string): Promise<boolean> {
  const backup = await getBackupById(database, backupId)
  return backup === null || backup.state === 'erasing' || backup.state === 'erased'
}
