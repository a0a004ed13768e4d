import type { Member } from '@telegram-backup/archive'
import type { PostgresConnection } from '@telegram-backup/connectors/postgres/connection.ts'
import type { OpenBytes } from '@telegram-backup/connectors/postgres/restore/restore-database.ts'
import { BEGINS_AS_DUMP, DUMP_HEAD_BYTES } from '@telegram-backup/connectors/postgres/restore/whole-dump.ts'
import {
  acquireLease,
  type BackupDetails,
  beginVerification,
  type Database,
  finishVerification,
} from '@telegram-backup/database'
import { tellError } from '@telegram-backup/errors'
import { busy } from '@telegram-backup/vault/verify/verify-backup.ts'
import { drillDatabase } from '#proof/drill-database.ts'
import { drillDirectory } from '#proof/drill-directory.ts'
import type { Drilled, DrillReport } from '#proof/drill-report.ts'
import { noteDamage } from '#restore/restore-record.ts'
import { holdsDirectory } from '#restore/restore-target.ts'

/** A drill of one backup. */
export interface DrillBackup {
  database: Database
  backup: BackupDetails
  /** The verified plain bytes, as a restore gets them; asked for once or several times. */
  open: OpenBytes
  /** Of a directory, where its manifest has a list of members. */
  members: () => Promise<Iterable<Member> | undefined>
  /** For databases: a server on which one is made and dropped. Left out, a server of one's own is. */
  on: PostgresConnection | undefined
  createRoles: boolean
  /** For databases on a server of one's own: run what is in the dump as its superuser. */
  trustDump: boolean
  stateFolder: string
  signal: AbortSignal
}

/**
 * Restores a backup for real into a place that is made for it and goes again, and compares what came of it with what is known
 * of its source. Written down as a verification of kind `drill`, from before it begins. What differs makes the backup
 * not damaged: its bytes are those that were sent. Throws what a restore throws, and `BUSY`.
 */
export async function drillBackup(of: DrillBackup): Promise<DrillReport> {
  const { database, backup, signal } = of
  const kind = await kindOf(of)
  if (kind === undefined) return { state: 'nothing to restore', reason: NOTHING_TO_RESTORE }
  const startMs = performance.now()
  const lease = await acquireLease(database, { subject: backup.id, purpose: 'verify' })
  if (lease === null) throw busy(backup.id)
  try {
    const verificationId = await beginVerification(database, {
      ...{ backupId: backup.id, kind: 'drill', leaseToken: lease.token },
    })
    const whileHeld = { ...of, signal: AbortSignal.any([signal, lease.signal]) }
    const counts = { verificationId, parts: backup.part_count ?? 0, bytes: backup.archive_size ?? 0 }
    let drilled: Drilled
    try {
      drilled = await (kind === 'database'
        ? drillDatabase(whileHeld)
        : drillDirectory({ ...whileHeld, members: await of.members() }))
    } catch (error) {
      const reason = lease.signal.aborted && !signal.aborted ? lease.signal.reason : error
      await finishVerification(database, {
        ...{ ...counts, state: 'failed', findings: [], error: tellError(reason).message },
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

/** What a restore makes of it; undefined for a file that nobody can restore but by hand. */
async function kindOf({ backup, open, signal }: DrillBackup): Promise<'database' | 'directory' | undefined> {
  if (holdsDirectory(backup)) return 'directory'
  if (backup.source?.['kind'] === 'postgres') return 'database'
  if (backup.type !== 'database') return undefined
  const enough = new AbortController()
  try {
    for await (const chunk of open(AbortSignal.any([signal, enough.signal]))) {
      const head = chunk.toString('latin1', 0, DUMP_HEAD_BYTES)
      return head.startsWith('PGDMP') || BEGINS_AS_DUMP.test(head) ? 'database' : undefined
    }
    return undefined
  } finally {
    enough.abort()
  }
}
