import type { Job, JobError, JobKind, JobProgress, JobState } from '@telegram-backup/database'
import { shownIdOf, wordsOfCount } from '@telegram-backup/database/missing-files'

/** A job as the command line, the HTTP API and its events show it. */
export interface JobView {
  id: string
  kind: JobKind
  state: JobState
  project_id: string | null
  backup_id: string | null
  source: string | null
  target: string | null
  scheduled_for: Date | null
  attempt: number
  progress: Pick<JobProgress, 'bytes_done' | 'bytes_total' | 'parts_done'>
  /** Files that the backup lacks, as its send allowed, or that are torn in it. */
  missing_files: number
  /** Why it failed, or why its last attempt did. */
  error: JobError | null
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
}

/** What is shown of a job; who runs it and under what terms stays inside. */
export function jobView(job: Job): JobView {
  const { bytes_done, bytes_total, parts_done } = job.progress
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    project_id: job.project_id,
    backup_id: job.backup_id,
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

/** The id of a job's backup; of one that is not whole, `(complete, 1 file missing or torn)` after it. */
export function backupOfJob(id: string, { missing_files }: Pick<JobView, 'missing_files'>): string {
  return shownIdOf(id, 'complete', wordsOfCount(missing_files))
}
