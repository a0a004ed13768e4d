import type { EvidenceDetails, Verification } from '#api/generated/types.gen.ts'

/** `partly`: equal, but not everything could be compared. */
export type DrillResult = 'running' | 'passed' | 'partly' | 'notCompared' | 'differs' | 'notRestored'

export interface Difference {
  object: string
  kind: string
  change: string | undefined
  expected: string
  found: string
}

/** Seconds by the clock. */
export interface Phases {
  fetch: number
  open: number
  restore: number
  compare: number
}

/** What a drill has found, read from a report that servers of other versions may have written. */
export interface DrillReport {
  contents: string | undefined
  /** How many were compared, by what they are. */
  compared: Partial<Record<'tables' | 'rows' | 'members' | 'roles', number>>
  notCovered: { table: string; reason: string }[]
  differences: Difference[]
  notes: string[]
  where: string | undefined
  serverVersion: string | undefined
  seconds: number | undefined
  phases: Phases | undefined
}

export function reportOf({ report }: Pick<Verification, 'report'>): DrillReport {
  const of = recordOf(report)
  const compared = recordOf(of['compared'])
  const count = (name: string) => numberOf(compared[name])
  return {
    contents: textOf(compared['contents']),
    compared: {
      tables: count('tables'),
      rows: count('rows'),
      members: count('members'),
      roles: count('roles'),
    },
    notCovered: listOf(of['not_covered']).map(one => ({
      table: textOf(one['table']) ?? '',
      reason: textOf(one['reason']) ?? '',
    })),
    differences: listOf(of['differences']).map(one => ({
      object: textOf(one['object']) ?? '',
      kind: textOf(one['kind']) ?? '',
      change: textOf(one['change']),
      expected: textOf(one['expected']) ?? '',
      found: textOf(one['found']) ?? '',
    })),
    notes: Array.isArray(of['notes']) ? of['notes'].flatMap(note => textOf(note) ?? []) : [],
    where: textOf(of['where']),
    serverVersion: textOf(of['server_version']),
    seconds: numberOf(of['seconds']),
    phases: phasesOf(of['phases']),
  }
}

export function resultOf(drill: Pick<Verification, 'state' | 'depth' | 'report'>): DrillResult {
  if (drill.state === 'running') return 'running'
  const { differences, contents } = reportOf(drill)
  if (differences.length > 0) return 'differs'
  if (drill.state !== 'sound') return 'notRestored'
  if (drill.depth === 'restored' || drill.depth === null) return 'notCompared'
  return contents === 'equal' ? 'passed' : 'partly'
}

/** What the evidence says beyond the report. */
export interface RecordFacts {
  recoveryPointSeconds: number | undefined
  recoverySeconds: number | undefined
  phases: Phases | undefined
  startedBy: string | undefined
  tables: { table: string; rows: number | undefined; result: string }[]
  furtherTables: number
}

export function recordFacts({ record }: Pick<EvidenceDetails, 'record'>): RecordFacts {
  const tables = recordOf(record['tables'])
  return {
    recoveryPointSeconds: numberOf(record['recovery_point_seconds']),
    recoverySeconds: numberOf(record['recovery_seconds']),
    phases: phasesOf(recordOf(record['drill'])['phases']),
    startedBy: textOf(record['started_by']),
    tables: listOf(tables['named']).map(one => ({
      table: textOf(one['table']) ?? '',
      rows: numberOf(one['rows']),
      result: textOf(one['result']) ?? '',
    })),
    furtherTables: numberOf(tables['further']) ?? 0,
  }
}

/** What a restore would have taken. */
export function recoverySeconds({ fetch, open, restore }: Phases): number {
  return fetch + open + restore
}

function phasesOf(value: unknown): Phases | undefined {
  const of = recordOf(value)
  const fetch = numberOf(of['fetch_seconds'])
  const open = numberOf(of['open_seconds'])
  const restore = numberOf(of['restore_seconds'])
  const compare = numberOf(of['compare_seconds'])
  if (fetch === undefined || open === undefined || restore === undefined || compare === undefined)
    return undefined
  return { fetch, open, restore, compare }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(recordOf) : []
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
