import { describe, expect, it } from 'vitest'
import type { Job } from '#api/generated/types.gen.ts'
import { jobsOfLastDay, MOST_JOBS } from '#screens/overview/jobs-of-last-day.ts'

const NOW = new Date('2026-12-02T12:00:00Z')

function job(minutesAgo: number, more: Partial<Job> = {}): Job {
  const at = new Date(NOW.getTime() - minutesAgo * 60_000).toISOString()
  return {
    id: `${minutesAgo}`,
    kind: 'backup',
    state: 'done',
    project_id: null,
    backup_id: null,
    bucket_id: null,
    bucket: null,
    source: null,
    target: null,
    scheduled_for: null,
    attempt: 1,
    progress: { bytes_done: 0, bytes_total: null, parts_done: 0 },
    missing_files: 0,
    error: null,
    created_at: at,
    started_at: at,
    finished_at: at,
    ...more,
  }
}

describe('the last 24 hours', () => {
  it('has the jobs that were at work then, also one that began earlier and still runs', () => {
    const old = job(3_000, { state: 'running', finished_at: null })
    const { shown, counts, isCut } = jobsOfLastDay(
      [job(5), job(10, { state: 'failed' }), job(1_500), old],
      NOW,
    )
    expect(shown.map(({ id }) => id)).toEqual(['5', '10', '3000'])
    expect(counts).toEqual({ done: 1, failed: 1, cancelled: 0, open: 1 })
    expect(isCut).toBe(false)
  })

  it('says from when on it has all, where there were more jobs than the API gives at once', () => {
    const jobs = Array.from({ length: MOST_JOBS }, (_, minutes) => job(minutes))
    const { since, isCut } = jobsOfLastDay(jobs, NOW)
    expect(isCut).toBe(true)
    expect(since.toISOString()).toBe(jobs.at(-1)?.created_at)
  })
})
