import type { CreateScheduleData, Schedule } from '#api/generated/types.gen.ts'
import { type KeepDraft, keepDraft, keepPolicy } from '#screens/schedules/keep.ts'
import { cronOf, type Rhythm, rhythmOf } from '#screens/schedules/rhythm.ts'

/** A schedule as a person writes it. */
export interface ScheduleDraft {
  source: string
  rhythm: Rhythm
  timezone: string
  keep: KeepDraft
  /** Seconds. */
  jitter: string
  catchUp: Schedule['catch_up']
}

const MOST_JITTER_SECONDS = 86_400

/** Of a schedule that is changed, or of a new one of the source, in the zone of the viewer. */
export function draftOf(of: Schedule | { source: string; zone: string }): ScheduleDraft {
  if ('zone' in of) {
    return {
      source: of.source,
      rhythm: { every: 'day', time: '03:00' },
      timezone: of.zone,
      keep: { mode: 'rules', rules: { daily: '7', weekly: '4', monthly: '6' } },
      jitter: '0',
      catchUp: 'once',
    }
  }
  return {
    source: of.source,
    rhythm: rhythmOf(of.cron),
    timezone: of.timezone,
    keep: keepDraft(of.keep),
    jitter: String(of.jitter),
    catchUp: of.catch_up,
  }
}

/** As the API takes it; undefined while something is missing. */
export function scheduleOf(draft: ScheduleDraft): CreateScheduleData['body'] | undefined {
  const { source, rhythm, timezone, jitter, catchUp } = draft
  const [keep, cron, seconds] = [keepPolicy(draft.keep), cronOf(rhythm), Number(jitter)]
  const isJitter = /^\d+$/.test(jitter) && seconds <= MOST_JITTER_SECONDS
  if (source === '' || cron === '' || keep === undefined || !isJitter) return undefined
  return {
    ...{ source, cron, keep, jitter: seconds, catch_up: catchUp },
    ...(timezone.trim() !== '' && { timezone: timezone.trim() }),
  }
}
