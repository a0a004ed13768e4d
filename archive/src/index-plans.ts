import { CheckedObject, UUID } from '#checked-json.ts'

/** A schedule in the index. */
export interface IndexedSchedule {
  id: string
  /** Name of a source in the configuration. */
  source: string
  project: string
  type: string
  /** Five fields, read in `timezone`, an IANA name. */
  cron: string
  timezone: string
  enabled: boolean
  /** Absent for none. */
  keep?: IndexedKeep
  /** 0 to 86,400. */
  jitterSeconds: number
  /** What happens to missed runs. */
  catchUp: 'once' | 'skip'
}

/** The policy for a project and type, or for one of their sources. */
export interface IndexedRetention {
  project: string
  type: string
  /** Absent for all sources. */
  source?: string
  keep: IndexedKeep
}

/** Rules of retention; without any, everything is kept. */
export interface IndexedKeep {
  last?: number
  hourly?: number
  daily?: number
  weekly?: number
  monthly?: number
  yearly?: number
  /** Milliseconds. */
  withinMs?: number
  minimum?: number
  /** Every backup with one of these tags; 1 to 16. */
  tags?: string[]
}

/** Most schedules, and most policies, in an index. */
export const MAX_PLANS = 10_000
const MAX_JITTER_SECONDS = 86_400
const COUNTED_RULES = [
  'last',
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'yearly',
  'withinMs',
  'minimum',
] as const
const RULES: readonly string[] = [...COUNTED_RULES, 'tags']

/** @throws TypeError for what is no schedule */
export function readIndexedSchedule(value: unknown): IndexedSchedule {
  const fields = new CheckedObject(value)
  const jitterSeconds = fields.integer('jitterSeconds')
  const catchUp = fields.text('catchUp')
  if (jitterSeconds > MAX_JITTER_SECONDS) throw new TypeError('a jitter of more than a day')
  if (catchUp !== 'once' && catchUp !== 'skip') throw new TypeError('an unknown way to catch up')
  return {
    id: fields.matching('id', UUID),
    source: fields.storable('source', 256),
    project: fields.storable('project', 64),
    type: fields.storable('type', 64),
    cron: fields.storable('cron', 256),
    timezone: fields.storable('timezone', 64),
    enabled: fields.boolean('enabled'),
    ...(fields.has('keep') && { keep: readKeep(fields.record('keep')) }),
    jitterSeconds,
    catchUp,
  }
}

/** @throws TypeError for what is no policy */
export function readIndexedRetention(value: unknown): IndexedRetention {
  const fields = new CheckedObject(value)
  return {
    project: fields.storable('project', 64),
    type: fields.storable('type', 64),
    ...(fields.has('source') && { source: fields.storable('source', 256) }),
    keep: readKeep(fields.record('keep')),
  }
}

/** A policy with an unknown rule is read as one without rules: it keeps everything. */
function readKeep(record: Record<string, unknown>): IndexedKeep {
  if (Object.keys(record).some(name => !RULES.includes(name))) return {}
  const fields = new CheckedObject(record)
  const counted = COUNTED_RULES.filter(rule => fields.has(rule))
  return {
    ...Object.fromEntries(counted.map(rule => [rule, fields.integer(rule)])),
    ...(fields.has('tags') && { tags: fields.tags('tags') }),
  }
}
