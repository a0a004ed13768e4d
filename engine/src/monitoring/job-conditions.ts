import type { OpenJobs } from '@telegram-backup/database'

interface JobCondition {
  key: string
  kind: 'jobs_waiting' | 'backup_held_up'
  project: null
  type: null
  source: string | null
  details: Record<string, string | number | null>
}

/** A job may retry for over an hour before it fails; people are notified sooner. */
const HELD_UP_FOR_MS = 15 * 60_000

/**
 * Problems of open jobs. While the chat is unreachable it holds up all of them, and has an alert of its own.
 */
export function jobConditions(
  openJobs: readonly OpenJobs[],
  { waitingForMs, isChatThere }: { waitingForMs: number; isChatThere: boolean },
): JobCondition[] {
  return openJobs.flatMap(jobs => [
    ...waiting(jobs, waitingForMs),
    ...(isChatThere && jobs.kind === 'backup' ? heldUp(jobs) : []),
  ])
}

/** Every process is busy with other jobs, or none has that source or target in its file. */
function waiting(
  { kind, source, target, running, oldest_ms }: OpenJobs,
  waitingForMs: number,
): JobCondition[] {
  if (oldest_ms === null || oldest_ms <= waitingForMs || running > 0) return []
  const details = { job_kind: kind, target, waiting_seconds: Math.round(oldest_ms / 1000) }
  const key = `jobs_waiting:${kind}:${source ?? target ?? ''}`
  return [{ key, kind: 'jobs_waiting', project: null, type: null, source, details }]
}

/** It fails again and again, and is still retried. */
function heldUp({ source, failing }: OpenJobs): JobCondition[] {
  if (failing === null || failing.for_ms <= HELD_UP_FOR_MS) return []
  const { code, message, for_ms } = failing
  const details = { code, message: message.slice(0, 500), failing_seconds: Math.round(for_ms / 1000) }
  const key = `backup_held_up:${source ?? ''}`
  return [{ key, kind: 'backup_held_up', project: null, type: null, source, details }]
}
