import type { Job, JobError, JobKind, JobProgress, JobState } from '@telegram-backup/database'
import { shownIdOf, wordsOfCount } from '@telegram-backup/database/missing-files'

/** A job as the command line, the HTTP API and its events show it. */
export interface JobView {
  id: string
  kind: JobKind
  state: JobState
  project_id: string | null
  backup_id: string | null
  /** Of a verification that reads packs of a bucket. */
  bucket_id: string | null
  /** The name of that bucket, also when it was removed later. */
  bucket: string | null
  source: string | null
  target: string | null
  scheduled_for: Date | null
  attempt: number
  progress: Pick<JobProgress, 'bytes_done' | 'bytes_total' | 'parts_done'>
  /** Files that are missing or torn in the backup, as its send allowed. */
  missing_files: number
  /** Of the job, or of its last attempt. */
  error: JobError | null
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
}

export function jobView(job: Job): JobView {
  const { bytes_done, bytes_total, parts_done } = job.progress
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    project_id: job.project_id,
    backup_id: job.backup_id,
    bucket_id: textOf(job.options['bucket_id']),
    bucket: textOf(job.options['bucket']),
    source: job.source,
    target: job.target,
    scheduled_for: job.scheduled_for,
    attempt: job.attempt,
    progress: { bytes_done, bytes_total, parts_done },
    missing_files: job.progress.missing_files ?? 0,
    error: job.error,
    created_at: job.created_at,
    started_at: job.started_at,
    finished_at: job.finished_at,
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** The id of a job's backup, followed by `(complete, 1 file missing or torn)` when it lacks files. */
export function backupOfJob(id: string, { missing_files }: Pick<JobView, 'missing_files'>): string {
  return shownIdOf(id, 'complete', wordsOfCount(missing_files))
}
