import type { BackupType, JsonObject } from '#jobs/types.backup.ts'

/** What a job does: `expire` applies retention to all projects, the others work on one backup. */
export type JobKind = 'backup' | 'restore' | 'verify' | 'drill' | 'erase' | 'expire'

export const JOB_KINDS: readonly JobKind[] = ['backup', 'restore', 'verify', 'drill', 'erase', 'expire']

/**
 * queued: also a job that waits for another try · running: a process holds its lease, or died. The others are
 * ends.
 */
export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** Every state of a job, in the order of its life. */
export const JOB_STATES: readonly JobState[] = ['queued', 'running', 'done', 'failed', 'cancelled']

/** How far a job is. Bytes are plain bytes for a backup and a restore, bytes as sent for a verification. */
export type JobProgress = {
  bytes_done: number
  /** Never less than what is done; an estimate until the end. Null when unknown. */
  bytes_total: number | null
  parts_done: number
  /** Files that the send left out, or that changed while they were read. */
  missing_files?: number
}

/** Why a job failed, or why its last attempt did. */
export interface JobError {
  code: string
  message: string
  hint?: string
}

/** One job. Ids are UUIDs. */
export interface Job {
  id: string
  kind: JobKind
  state: JobState
  /** Null for a job that concerns all projects. */
  project_id: string | null
  backup_id: string | null
  /** Name of a source in telegram-backup.yaml. */
  source: string | null
  /** Name of a restore target there; of a drill, where it restores. */
  target: string | null
  /** Options of the request, such as `read_data`. Never a secret. */
  options: JsonObject
  progress: JobProgress
  error: JobError | null
  actor: string
  schedule_id: string | null
  scheduled_for: Date | null
  attempt: number
  /** The number of failures by error code; INTERRUPTED counts processes that died. */
  tries: Readonly<Record<string, number>>
  /** Not before this time. */
  run_after: Date
  /** The process that runs it or ran it, for people. */
  worker: string | null
  cancel_requested_at: Date | null
  /** Grows with each change. */
  version: number
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
}

/** Who asked for a job over HTTP, and the project of that job. */
export interface JobAsker {
  /** Of an API key, or of a person. */
  key_id: string
  project: string | null
}

export interface NewJob {
  kind: JobKind
  projectId?: string | undefined
  backupId?: string | undefined
  source?: string | undefined
  target?: string | undefined
  options?: JsonObject | undefined
  actor?: string | undefined
  scheduleId?: string | undefined
  scheduledFor?: Date | undefined
  runAfter?: Date | undefined
  /**
   * The API key or the person that asks over HTTP; the number of their waiting jobs is bounded. The same
   * `idempotencyKey` of the same caller gives the same job.
   */
  byCaller?: { callerId: string; idempotencyKey?: string | undefined } | undefined
}

/** A retention policy. An absent rule keeps nothing by itself; a policy without rules keeps all. */
export type KeepPolicy = {
  /** The newest N backups. */
  last?: number
  /** The newest backup of each of the last N hours, days, weeks, months, years that have one. */
  hourly?: number
  daily?: number
  weekly?: number
  monthly?: number
  yearly?: number
  /** All that are not older, in milliseconds. */
  within_ms?: number
  /** At least N backups stay. */
  minimum?: number
  /** All that have one of these tags, also after a chosen expiry. */
  tags?: string[]
}

/** What follows missed runs: one catch-up run, or none. */
export type CatchUp = 'once' | 'skip'

export interface Schedule {
  id: string
  source: string
  project_id: string
  type: BackupType
  /** Five fields. */
  cron: string
  /** An IANA name. */
  timezone: string
  enabled: boolean
  keep: KeepPolicy | null
  jitter_seconds: number
  catch_up: CatchUp
  /** Without the jitter; null while it is not enabled. */
  next_run_at: Date | null
  /** The last scheduled time that made a job. */
  last_fired_for: Date | null
  created_at: Date
  updated_at: Date
}
