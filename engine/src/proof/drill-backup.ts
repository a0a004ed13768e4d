import type { Drill, Drilled, DrillPlace } from '@telegram-backup/connectors/drilling.ts'
import { type AnyConnector, CONNECTORS, restoringConnector } from '@telegram-backup/connectors/registry.ts'
import {
  acquireLease,
  type BackupDetails,
  beginVerification,
  type Database,
  finishVerification,
} from '@telegram-backup/database'
import { missingWords } from '@telegram-backup/database/missing-files'
import { redactError } from '@telegram-backup/errors'
import { busy } from '@telegram-backup/vault/verify/verify-backup.ts'
import type { DrillReport } from '#proof/drill-report.ts'
import { noteDamage } from '#restore/restore-record.ts'

/** A drill of one backup. */
export interface DrillBackup extends Drill {
  database: Database
  backup: BackupDetails
}

/** So many bytes of a file tell which program wrote it. */
const HEAD_BYTES = 4096

/**
 * Restores a backup into a temporary place and compares the result with the record of its source. The drill
 * is written down as a verification of the kind `drill` before it begins. A difference does not make the
 * backup damaged: its bytes are those that were sent. Throws what a restore throws, and `BUSY`.
 */
export async function drillBackup(of: DrillBackup): Promise<DrillReport> {
  const { database, backup, signal } = of
  const connector = await drillConnector(of)
  if (connector?.drill === undefined) return { state: 'nothing to restore', reason: NOTHING_TO_RESTORE }
  const startMs = performance.now()
  const lease = await acquireLease(database, { subject: backup.id, purpose: 'verify' })
  if (lease === null) throw busy(backup.id)
  try {
    const verificationId = await beginVerification(database, {
      ...{ backupId: backup.id, kind: 'drill', leaseToken: lease.token },
    })
    const whileHeld = { ...onServerOf(connector, of), signal: AbortSignal.any([signal, lease.signal]) }
    const counts = { verificationId, parts: backup.part_count ?? 0, bytes: backup.archive_size ?? 0 }
    let drilled: Drilled
    try {
      drilled = withMissing(await connector.drill.run(backup, whileHeld), backup)
    } catch (error) {
      const reason = lease.signal.aborted && !signal.aborted ? lease.signal.reason : error
      await finishVerification(database, {
        ...{ ...counts, state: 'failed', findings: [], error: redactError(reason).message },
      }).catch(() => {})
      // Bytes that are not what was sent are damage, wherever it is found.
      await noteDamage(database, backup.id, reason).catch(() => {})
      throw reason
    }
    await finishVerification(database, { ...counts, ...outcomeOf(drilled) })
    const seconds = Math.round(performance.now() - startMs) / 1000
    return { ...drilled, state: stateOf(drilled), verification_id: verificationId, seconds }
  } finally {
    await lease.release()
  }
}

const NOTHING_TO_RESTORE =
  'Every byte was read, and there is nothing to restore: it is a file, and not a dump of PostgreSQL or a directory.'

function stateOf({ differences, compared }: Drilled): 'passed' | 'not compared' | 'differs' {
  if (differences.length > 0) return 'differs'
  return compared === null ? 'not compared' : 'passed'
}

function outcomeOf({ differences, compared, where }: Drilled): {
  state: 'sound' | 'failed'
  findings: Array<{ [name: string]: string }>
  error?: string
} {
  if (differences.length > 0) {
    return { state: 'failed', findings: differences, error: `What was restored in ${where} is not as it was` }
  }
  const reason = 'it was restored; there is no record of its source to compare with'
  return { state: 'sound', findings: compared === null ? [{ finding: 'not compared', reason }] : [] }
}

/** Files that the backup lacks from the start are no difference, but a person should know of them. */
function withMissing(drilled: Drilled, backup: BackupDetails): Drilled {
  const missing = missingWords(backup)
  if (missing === undefined) return drilled
  const note = `The backup itself is not whole: ${missing} from the start`
  return { ...drilled, notes: [...drilled.notes, note] }
}

/** The place without a server of another kind, which cannot be used. */
export function onServerOf<Place extends DrillPlace>({ kind }: AnyConnector, place: Place): Place {
  return place.on?.kind === kind ? place : { ...place, on: undefined }
}

/** The connector that can restore it, by its record or its first bytes; undefined for any other file. */
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
