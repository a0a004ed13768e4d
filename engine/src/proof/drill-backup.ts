import type { SigningKey } from '@telegram-backup/archive'
import type { Drill, Drilled, DrillPlace } from '@telegram-backup/connectors/drilling.ts'
import { type AnyConnector, CONNECTORS, restoringConnector } from '@telegram-backup/connectors/registry.ts'
import {
  acquireLease,
  type BackupDetails,
  beginVerification,
  type Database,
  finishVerification,
  type JsonObject,
  type SignRecord,
} from '@telegram-backup/database'
import { missingWords } from '@telegram-backup/database/missing-files'
import { redactError } from '@telegram-backup/errors'
import { busy } from '@telegram-backup/vault/verify/verify-backup.ts'
import { drillSigner, type EndedDrill } from '#proof/drill-evidence.ts'
import type { DrillReport } from '#proof/drill-report.ts'
import { type DrillPhases, PhaseClock, secondsOf } from '#proof/phase-clock.ts'
import type { ReadOptions } from '#restore/contents.ts'
import { noteDamage } from '#restore/restore-record.ts'

export interface DrillBackup extends Omit<Drill, 'open'> {
  database: Database
  backup: BackupDetails
  /** The job that asked for it; for the record. */
  jobId?: string | undefined
  /** Signs the evidence; without it there is none. */
  signingKey: SigningKey | undefined
  startedBy: string
  /** As of `BackupContents`; may be called several times. */
  open(signal: AbortSignal, hooks?: Pick<ReadOptions, 'onPartAwaited'>): AsyncIterable<Buffer>
  /** Hides the place of the server in an error. */
  hide(error: unknown): unknown
}

/** This many bytes show which program wrote a file. */
const HEAD_BYTES = 4096

/**
 * Restores a backup into a temporary place and compares the result with the record of its source. The catalog
 * records the drill as a verification of the kind `drill`, with its evidence. A difference does not make the
 * backup damaged: its bytes are as they were sent. Throws what a restore throws, and `BUSY`.
 */
export async function drillBackup(of: DrillBackup): Promise<DrillReport> {
  const { database, backup, signal } = of
  const connector = await drillConnector(of)
  if (connector?.drill === undefined) return { state: 'nothing to restore', reason: NOTHING_TO_RESTORE }
  const clock = new PhaseClock()
  const lease = await acquireLease(database, { subject: backup.id, purpose: 'verify' })
  if (lease === null) throw busy(backup.id)
  try {
    const verificationId = await beginVerification(database, {
      ...{ backupId: backup.id, kind: 'drill', leaseToken: lease.token, jobId: of.jobId },
    })
    const whileHeld = {
      ...onServerOf(connector, of),
      open: (until: AbortSignal) => clock.timed(of.open(until, { onPartAwaited: clock.partAwaited })),
      onRestored: () => {
        clock.restored()
        of.onRestored?.()
      },
      signal: AbortSignal.any([signal, lease.signal]),
    }
    const counts = { verificationId, parts: backup.part_count ?? 0, bytes: backup.archive_size ?? 0 }
    const signed = (result: EndedDrill['result'], phases: DrillPhases): SignRecord | undefined => {
      const ended = { backup, verificationId, startedBy: of.startedBy, phases, result }
      const isOnNamedServer = whileHeld.on !== undefined
      const seconds = secondsOf(phases)
      const tables = connector.drill?.recordedTables?.(backup)
      return of.signingKey && drillSigner({ ...ended, seconds, isOnNamedServer, tables }, of.signingKey)
    }
    let drilled: Drilled
    try {
      drilled = withMissing(await connector.drill.run(backup, whileHeld), backup)
    } catch (error) {
      const reason = lease.signal.aborted && !signal.aborted ? lease.signal.reason : of.hide(error)
      await finishVerification(database, {
        ...{ ...counts, state: 'failed', findings: [], ...failureOf(reason) },
        signEvidence: signed({ error: reason }, clock.phases()),
      }).catch(() => {})
      await noteDamage(database, backup.id, reason).catch(() => {})
      throw reason
    }
    const phases = clock.phases()
    const report = { ...drilled, state: stateOf(drilled), seconds: secondsOf(phases), phases }
    await finishVerification(database, {
      ...{ ...counts, ...outcomeOf(drilled) },
      ...{ depth: drilled.depth, report: { ...report } },
      signEvidence: signed(report, phases),
    })
    return { ...report, verification_id: verificationId }
  } finally {
    await lease.release()
  }
}

const NOTHING_TO_RESTORE =
  'Every byte was read. There is nothing to restore: it is a file, neither a PostgreSQL dump nor a directory.'

function stateOf({ differences, depth }: Drilled): 'passed' | 'not compared' | 'differs' {
  if (differences.length > 0) return 'differs'
  return depth === 'restored' ? 'not compared' : 'passed'
}

function failureOf(error: unknown): { error: string; code: string } {
  const { message, code } = redactError(error)
  return { error: message, code }
}

function outcomeOf({ differences, depth, where }: Drilled): {
  state: 'sound' | 'failed'
  findings: JsonObject[]
  error?: string
  code?: string
} {
  if (differences.length > 0) {
    return {
      state: 'failed',
      findings: differences.map(one => ({ ...one })),
      error: `What was restored in ${where} differs`,
      code: 'DIFFERENT',
    }
  }
  const reason = 'it was restored; there is no record of its source to compare with'
  return { state: 'sound', findings: depth === 'restored' ? [{ finding: 'not compared', reason }] : [] }
}

/** Files that the backup lacks from the start are not a difference, but a person should know. */
function withMissing(drilled: Drilled, backup: BackupDetails): Drilled {
  const missing = missingWords(backup)
  if (missing === undefined) return drilled
  const note = `The backup itself is not whole: ${missing} from the start`
  return { ...drilled, notes: [...drilled.notes, note] }
}

/** The place, without a server that this kind of backup cannot use. */
export function onServerOf<Place extends DrillPlace>({ kind }: AnyConnector, place: Place): Place {
  return place.on?.kind === kind ? place : { ...place, on: undefined }
}

/** The connector that can restore it, by its record or its first bytes; undefined for other files. */
async function drillConnector({ backup, open, signal }: DrillBackup): Promise<AnyConnector | undefined> {
  const known = restoringConnector(backup)
  if (known !== undefined) return known
  if (backup.type !== 'database') return undefined
  const enough = new AbortController()
  try {
    for await (const chunk of open(AbortSignal.any([signal, enough.signal]))) {
      const head = chunk.subarray(0, HEAD_BYTES)
      return CONNECTORS.find(({ drill }) => drill?.recognizes?.(head))
    }
    return undefined
  } finally {
    enough.abort()
  }
}
