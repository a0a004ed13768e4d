import { CheckedObject, SHA256_HEX, UUID } from '#checked-json.ts'

/**
 * What stands in a record of evidence, before it is signed. Names are those of the JSON. Times are ISO 8601
 * in UTC with milliseconds, sizes bytes, durations seconds, hashes SHA-256 in hex.
 */
export type EvidenceRecord = DrillEvidence | ReviewEvidence

/** The place of a record in the chain of its catalog. */
export interface EvidencePlace {
  /** From 1, without gaps. */
  number: number
  /** Hash of the record before; absent in the first one. */
  previous?: string | undefined
  catalog_id: string
  at: string
}

interface EvidenceSource {
  project: string
  type: string
  /** Its name in the configuration. */
  name?: string | undefined
}

/** A person has looked at the record of a drill. */
export interface ReviewEvidence extends EvidencePlace {
  format: 1
  kind: 'review'
  id: string
  source: EvidenceSource
  backup_id: string
  /** The record that was looked at. */
  of: { id: string; number: number; sha256: string }
  name: string
  note: string
}

const DRILL_OUTCOMES = ['passed', 'not compared', 'differs', 'not restored'] as const
const DEPTHS = ['restored', 'counts', 'dump', 'contents'] as const
const CONTENTS = ['equal', 'equal in part', 'different', 'not compared'] as const
const PHASES = ['fetch_seconds', 'open_seconds', 'restore_seconds', 'compare_seconds'] as const
const TABLE_RESULTS = ['equal', 'different', 'not covered'] as const

/** A drill that ended, however it ended. */
export interface DrillEvidence extends EvidencePlace {
  format: 1
  kind: 'drill'
  id: string
  source: EvidenceSource
  backup: {
    id: string
    /** When the backup began, and the state of the data was fixed. */
    created_at: string
    completed_at?: string | undefined
    size: number
    plain_sha256?: string | undefined
    manifest_sha256?: string | undefined
    /** Fingerprint of the key that signed the manifest. */
    signer?: string | undefined
  }
  started_by: string
  program_version: string
  /** Of the PostgreSQL on which it was restored. */
  server_version?: string | undefined
  drill: {
    id: string
    started_at: string
    ended_at: string
    seconds: number
    phases?: Record<(typeof PHASES)[number], number> | undefined
    /** Where it was restored; without names of machines. */
    where: string
  }
  /** Age of the restored data when the drill began. */
  recovery_point_seconds: number
  /** To fetch, open and restore; absent when it was not restored, or not measured. */
  recovery_seconds?: number | undefined
  outcome: (typeof DRILL_OUTCOMES)[number]
  depth?: (typeof DEPTHS)[number] | undefined
  compared?:
    | {
        contents: (typeof CONTENTS)[number]
        tables?: number | undefined
        rows?: number | undefined
        members?: number | undefined
        roles?: number | undefined
      }
    | undefined
  /** The largest tables, and the number of all others. */
  tables?: { named: EvidenceTable[]; further: number } | undefined
  not_covered: { table: string; reason: string }[]
  not_covered_further: number
  differences: EvidenceDifference[]
  differences_further: number
  /** Why it was not restored. */
  error?: { code: string; words: string } | undefined
}

export interface EvidenceTable {
  table: string
  /** Null where they were not counted. */
  rows: number | null
  result: (typeof TABLE_RESULTS)[number]
}

export interface EvidenceDifference {
  object: string
  kind: string
  change?: string | undefined
  /** The sixteenths of a table in which rows differ. */
  buckets?: number[] | undefined
  expected: string
  found: string
  /** For people, with all of the above. */
  reason: string
}

/** The most entries of one list. */
const MAX_LIST = 1_000
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const TEXT = 4_096

/** @throws TypeError for a value that is no record */
export function readEvidenceRecord(json: unknown): EvidenceRecord {
  const fields = new CheckedObject(json)
  if (fields.integer('format') !== 1) throw new TypeError('another format than 1')
  const place = {
    format: 1 as const,
    id: fields.matching('id', UUID),
    number: fields.integer('number', 1),
    ...(fields.has('previous') && { previous: fields.matching('previous', SHA256_HEX) }),
    catalog_id: fields.matching('catalog_id', UUID),
    at: timeOf(fields, 'at'),
    source: readSource(fields.object('source')),
  }
  if ((place.previous === undefined) !== (place.number === 1))
    throw new TypeError('only the first record has none before it')
  return fields.oneOf('kind', ['drill', 'review']) === 'drill'
    ? { ...place, ...readDrill(fields) }
    : { ...place, ...readReview(fields) }
}

type Rest<Evidence> = Omit<Evidence, keyof EvidencePlace | 'format' | 'id' | 'source'>

function readReview(fields: CheckedObject): Rest<ReviewEvidence> {
  const of = fields.object('of')
  return {
    kind: 'review',
    backup_id: fields.matching('backup_id', UUID),
    of: {
      id: of.matching('id', UUID),
      number: of.integer('number', 1),
      sha256: of.matching('sha256', SHA256_HEX),
    },
    name: fields.storable('name', 200),
    note: fields.storable('note', TEXT),
  }
}

function readDrill(fields: CheckedObject): Rest<DrillEvidence> {
  const backup = fields.object('backup')
  const drill = fields.object('drill')
  return {
    kind: 'drill',
    backup: {
      id: backup.matching('id', UUID),
      created_at: timeOf(backup, 'created_at'),
      ...(backup.has('completed_at') && { completed_at: timeOf(backup, 'completed_at') }),
      size: backup.integer('size'),
      ...hashes(backup, ['plain_sha256', 'manifest_sha256']),
      ...(backup.has('signer') && { signer: backup.storable('signer', 256) }),
    },
    started_by: fields.storable('started_by', TEXT),
    program_version: fields.storable('program_version', 64),
    ...(fields.has('server_version') && { server_version: fields.storable('server_version', 256) }),
    drill: {
      id: drill.matching('id', UUID),
      started_at: timeOf(drill, 'started_at'),
      ended_at: timeOf(drill, 'ended_at'),
      seconds: drill.amount('seconds'),
      ...(drill.has('phases') && { phases: readPhases(drill.object('phases')) }),
      where: drill.storable('where', TEXT),
    },
    recovery_point_seconds: fields.amount('recovery_point_seconds'),
    ...(fields.has('recovery_seconds') && { recovery_seconds: fields.amount('recovery_seconds') }),
    outcome: fields.oneOf('outcome', DRILL_OUTCOMES),
    ...(fields.has('depth') && { depth: fields.oneOf('depth', DEPTHS) }),
    ...(fields.has('compared') && { compared: readCompared(fields.object('compared')) }),
    ...(fields.has('tables') && { tables: readTables(fields.object('tables')) }),
    not_covered: list(fields, 'not_covered', one => ({
      table: one.text('table', TEXT),
      reason: one.text('reason', TEXT),
    })),
    not_covered_further: fields.integer('not_covered_further'),
    differences: list(fields, 'differences', one => ({
      object: one.text('object', TEXT),
      kind: one.text('kind', 64),
      ...(one.has('change') && { change: one.text('change', 64) }),
      ...(one.has('buckets') && { buckets: one.array('buckets', { least: 0, most: 16 }).map(bucket) }),
      expected: one.text('expected', TEXT),
      found: one.text('found', TEXT),
      reason: one.text('reason', TEXT),
    })),
    differences_further: fields.integer('differences_further'),
    ...(fields.has('error') && { error: readError(fields.object('error')) }),
  }
}

function readSource(source: CheckedObject): EvidenceSource {
  return {
    project: source.storable('project', 64),
    type: source.storable('type', 64),
    ...(source.has('name') && { name: source.storable('name', 256) }),
  }
}

function readPhases(phases: CheckedObject): NonNullable<DrillEvidence['drill']['phases']> {
  const [fetch_seconds, open_seconds] = [phases.amount('fetch_seconds'), phases.amount('open_seconds')]
  const restore_seconds = phases.amount('restore_seconds')
  return { fetch_seconds, open_seconds, restore_seconds, compare_seconds: phases.amount('compare_seconds') }
}

function readCompared(compared: CheckedObject): NonNullable<DrillEvidence['compared']> {
  const counts = (['tables', 'rows', 'members', 'roles'] as const).filter(name => compared.has(name))
  return {
    contents: compared.oneOf('contents', CONTENTS),
    ...Object.fromEntries(counts.map(name => [name, compared.integer(name)])),
  }
}

function readTables(tables: CheckedObject): NonNullable<DrillEvidence['tables']> {
  return {
    named: list(tables, 'named', one => ({
      table: one.text('table', TEXT),
      rows: one.isNull('rows') ? null : one.integer('rows'),
      result: one.oneOf('result', TABLE_RESULTS),
    })),
    further: tables.integer('further'),
  }
}

function bucket(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 16) return value
  throw new TypeError('a bucket that is none')
}

function readError(error: CheckedObject): NonNullable<DrillEvidence['error']> {
  return { code: error.text('code', 64), words: error.text('words', TEXT) }
}

function list<Item>(fields: CheckedObject, name: string, read: (one: CheckedObject) => Item): Item[] {
  return fields.array(name, { least: 0, most: MAX_LIST }).map(one => read(new CheckedObject(one)))
}

function hashes(fields: CheckedObject, names: readonly string[]): Record<string, string> {
  const there = names.filter(name => fields.has(name))
  return Object.fromEntries(there.map(name => [name, fields.matching(name, SHA256_HEX)]))
}

/** Databases refuse an impossible time. */
function timeOf(fields: CheckedObject, name: string): string {
  const text = fields.matching(name, TIME)
  const time = new Date(text)
  if (Number.isNaN(time.getTime()) || time.toISOString() !== text) throw new TypeError('a time that is none')
  return text
}
