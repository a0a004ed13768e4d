import type { BackupType, JsonObject } from '#jobs/types.backup.ts'

/** What a job does: `expire` applies retention to all projects, the others work on one backup. */
export type JobKind = 'backup' | 'restore' | 'verify' | 'erase' | 'expire'

/** Every kind of job. */
export const JOB_KINDS: readonly JobKind[] = ['backup', 'restore', 'verify', 'erase', 'expire']

/** queued: also one that waits for another try · running: somebody holds its lease, or died with it. The others are ends. */
export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** Every state of a job, in the order of its life. */
export const JOB_STATES: readonly JobState[] = ['queued', 'running', 'done', 'failed', 'cancelled']

/** How far a job is. Bytes are plain bytes for a backup and a restore, bytes as sent for a verification. */
export type JobProgress = {
  bytes_done: number
  /** Never less than what is done; an estimate until all is done. Null where nobody knows. */
  bytes_total: number | null
  parts_done: number
  /** Of a whole one that was made or is restored: files that its send was told to leave out, or that are torn. */
  missing_files?: number
}

/** Why a job failed, or why its last attempt did. */
export interface JobError {
  /** As of `BackupError`. */
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
  /** Name of a restore target there. */
  target: string | null
  /** What was asked for besides, such as `read_data`. Never a secret. */
  options: JsonObject
  progress: JobProgress
  error: JobError | null
  /** Who asked for it. */
  actor: string
  schedule_id: string | null
  scheduled_for: Date | null
  /** How often it was begun. */
  attempt: number
  /** How often it has failed, by the code of the error; INTERRUPTED counts processes that died over it. */
  tries: Readonly<Record<string, number>>
  /** Not before this time. */
  run_after: Date
  /** Who runs it or ran it, for people. */
  worker: string | null
  cancel_requested_at: Date | null
  /** Grows with each change. */
  version: number
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
}

/** The API key that asked for a job, and the project of that job. */
export interface JobAsker {
  key_id: string
  project: string | null
}

/** A job as it is asked for. */
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
   * The API key that it was asked for with, which may have so many jobs waiting and no more. The same `idempotencyKey` of the same
   * API key gives the same job.
   */
  byKey?: { apiKeyId: string; idempotencyKey?: string | undefined } | undefined
}

/** A retention policy; an absent rule keeps nothing by itself, and a policy without any rule keeps all. */
export type KeepPolicy = {
  /** The newest so many. */
  last?: number
  /** The newest one of each of the newest so many hours, days, weeks, months, years that have one. */
  hourly?: number
  daily?: number
  weekly?: number
  monthly?: number
  yearly?: number
  /** All that are not older than that, in milliseconds. */
  within_ms?: number
  /** So many stay in any case. */
  minimum?: number
}

/** A missed time of a schedule is made up for once, or not at all. */
export type CatchUp = 'once' | 'skip'

/** When a source is backed up. */
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
  /** The last of its times that made a job. */
  last_fired_for: Date | null
  created_at: Date
  updated_at: Date
}
