import { randomUUID } from 'node:crypto'
import {
  type DrillEvidence,
  type EvidencePlace,
  type EvidenceTable,
  type SigningKey,
  signEvidence,
} from '@telegram-backup/archive'
import type { RecordedTables } from '@telegram-backup/connectors/drilling.ts'
import type { BackupDetails, ChainPlace, SignRecord } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { rowOf } from '@telegram-backup/vault/evidence/evidence-row.ts'
import { programVersion } from '#program-version.ts'
import type { RestoredReport } from '#proof/drill-report.ts'
import type { DrillPhases } from '#proof/phase-clock.ts'

/** A drill that has ended: with a report, or with the error of its restore. */
export interface EndedDrill {
  backup: BackupDetails
  verificationId: string
  /** For auditors; names neither users nor machines. */
  startedBy: string
  seconds: number
  phases: DrillPhases
  /** Restored on a server that a person named. */
  isOnNamedServer: boolean
  /** As recorded at the source. */
  tables: RecordedTables | undefined
  result: Omit<RestoredReport, 'verification_id'> | { error: unknown }
}

/**
 * Makes and signs the record of a drill; undefined for an end that says nothing of the backup: it was
 * cancelled, or the catalog failed.
 */
export function drillSigner(drill: EndedDrill, signingKey: SigningKey): SignRecord | undefined {
  if ('error' in drill.result && SAYS_NOTHING.has(describeError(drill.result.error).code)) return undefined
  const id = randomUUID()
  return place => rowOf(signEvidence(recordOf(drill, { id, place: placeOf(place) }), signingKey))
}

const SAYS_NOTHING: ReadonlySet<string | undefined> = new Set(['CANCELLED', 'LEASE_LOST', 'BUSY', 'CATALOG'])

export function placeOf({ number, previous, catalog_id, at }: ChainPlace): EvidencePlace {
  return { number, ...(previous !== undefined && { previous }), catalog_id, at: at.toISOString() }
}

/** A record is one message: lists are cut until it is no longer than this. */
const MOST_CHARACTERS = 256 * 1024
const LISTS = [1_000, 300, 100, 30, 10, 1]

function recordOf(drill: EndedDrill, of: { id: string; place: EvidencePlace }): DrillEvidence {
  const records = LISTS.map(most => () => cutRecord(drill, { ...of, most }))
  for (const make of records) {
    const record = make()
    if (JSON.stringify(record).length <= MOST_CHARACTERS) return record
  }
  return cutRecord(drill, { ...of, most: 0 })
}

function cutRecord(
  drill: EndedDrill,
  { id, place, most }: { id: string; place: EvidencePlace; most: number },
): DrillEvidence {
  const { backup, result, phases, seconds, isOnNamedServer } = drill
  const endedMs = new Date(place.at).getTime()
  const startedMs = endedMs - Math.round(seconds * 1000)
  const report = 'error' in result ? undefined : result
  const { fetch_seconds, open_seconds, restore_seconds } = phases
  const { not_covered = [], differences = [] } = report ?? {}
  return {
    ...{ format: 1, kind: 'drill', id, ...place },
    source: {
      ...{ project: backup.project_id, type: backup.type },
      ...(backup.source_name && { name: cut(backup.source_name, 256) }),
    },
    backup: factsOf(backup),
    started_by: drill.startedBy,
    program_version: programVersion(),
    ...(report?.server_version && { server_version: cut(report.server_version, 256) }),
    drill: {
      id: drill.verificationId,
      started_at: new Date(startedMs).toISOString(),
      ended_at: place.at,
      ...{ seconds, phases },
      where: isOnNamedServer ? 'a server that the operator named' : (report?.where ?? 'a place of its own'),
    },
    recovery_point_seconds: Math.max(0, Math.round((startedMs - backup.created_at.getTime()) / 1000)),
    ...(report && {
      recovery_seconds: Math.round(1000 * (fetch_seconds + open_seconds + restore_seconds)) / 1000,
      depth: report.depth,
      compared: report.compared,
      ...tablesOf(drill.tables, report, most),
    }),
    outcome: report?.state ?? 'not restored',
    not_covered: not_covered
      .slice(0, most)
      .map(({ table, reason }) => ({ table: cut(table), reason: cut(reason) })),
    not_covered_further: Math.max(0, not_covered.length - most),
    differences: differences.slice(0, most).map(({ object, expected, found, reason, ...one }) => ({
      ...one,
      ...{ object: cut(object), expected: cut(expected), found: cut(found), reason: cut(reason) },
    })),
    differences_further: Math.max(0, differences.length - most),
    ...('error' in result && { error: errorOf(result.error) }),
  }
}

function factsOf(backup: BackupDetails): DrillEvidence['backup'] {
  const { manifest } = backup
  return {
    id: backup.id,
    created_at: backup.created_at.toISOString(),
    ...(backup.completed_at && { completed_at: backup.completed_at.toISOString() }),
    size: backup.size,
    ...(backup.plain_sha256 !== null && { plain_sha256: backup.plain_sha256 }),
    ...(manifest && { manifest_sha256: manifest.sha256 }),
    ...(backup.signer && { signer: cut(backup.signer, 256) }),
  }
}

/** The largest tables with their rows at the source, and what the drill says of each. */
function tablesOf(
  recorded: RecordedTables | undefined,
  { depth, differences, not_covered }: Omit<RestoredReport, 'verification_id'>,
  most: number,
): Pick<DrillEvidence, 'tables'> {
  if (recorded === undefined || depth === 'restored') return {}
  const different = new Set(differences.filter(({ kind }) => kind === 'table').map(({ object }) => object))
  const left = new Set(not_covered.map(({ table }) => table))
  const named = recorded.named.slice(0, most).map(({ table, rows }): EvidenceTable => {
    const isLeft = left.has(table) || rows === null
    const result = different.has(table) ? 'different' : isLeft ? 'not covered' : 'equal'
    return { table: cut(table), rows, result }
  })
  return { tables: { named, further: Math.max(0, recorded.total - named.length) } }
}

/** The catalog has the whole message, which may name machines. */
function errorOf(error: unknown): NonNullable<DrillEvidence['error']> {
  const { code = 'ERROR' } = describeError(error)
  const words = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined
  return { code: cut(code, 64), words: words ?? 'The drill failed' }
}

const WORDS: Readonly<Record<string, string>> = {
  INTEGRITY: 'Bytes of the backup are damaged or missing',
  WRONG_KEY: 'The key of this machine does not open the backup',
  NO_KEY: 'This machine has no key to open the backup',
  POSTGRES: 'PostgreSQL refused what was restored',
  DISK_FULL: 'The disk was full',
  UNREACHABLE: 'A server could not be reached',
  CONFIGURATION: 'This machine or its server cannot restore this backup',
}

/** Names and reasons come from databases. */
function cut(text: string, longest = 300): string {
  const whole = text.toWellFormed().replaceAll('\0', '\ufffd')
  return whole.length <= longest ? whole : `${whole.slice(0, longest - 1).toWellFormed()}…`
}
