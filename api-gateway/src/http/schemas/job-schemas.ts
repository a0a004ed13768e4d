import { JOB_KINDS, JOB_STATES, type JobKind, type JobState } from '@telegram-backup/database'
import { JOB_STAGES } from '@telegram-backup/engine/jobs/job-stages.ts'
import { z } from 'zod'
import { TIME, TIME_OR_NULL, TYPE, UUID } from '#http/schemas/terms.ts'

const COUNT = z.int().min(0)

export const JOB_STATE: z.ZodType<JobState> = z.enum(JOB_STATES)

export const JOB_KIND: z.ZodType<JobKind> = z.enum(JOB_KINDS)

export const JOB: z.ZodType = z
  .object({
    id: UUID,
    kind: JOB_KIND,
    state: JOB_STATE,
    project_id: z.string().nullable(),
    backup_id: UUID.nullable(),
    bucket_id: UUID.nullable().meta({ description: 'Of a verification that reads packs of a bucket.' }),
    bucket: z.string().nullable().meta({ description: 'The name of that bucket.' }),
    source: z.string().nullable(),
    target: z.string().nullable(),
    scheduled_for: TIME_OR_NULL,
    attempt: COUNT,
    progress: z.object({
      bytes_done: COUNT,
      bytes_total: COUNT.nullable().meta({
        description: 'Null if unknown. For a database this is an estimate until the job is done.',
      }),
      parts_done: COUNT,
    }),
    missing_files: COUNT.meta({
      description: 'Files of the backup that are missing, or changed while they were read.',
    }),
    error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).nullable(),
    created_at: TIME,
    started_at: TIME_OR_NULL,
    finished_at: TIME_OR_NULL,
  })
  .meta({ id: 'Job' })

export const JOB_PAGE: z.ZodType = z
  .object({ items: z.array(JOB), next_cursor: z.string().nullable() })
  .meta({ id: 'JobPage' })

export const JOB_LOG: z.ZodType = z
  .object({
    items: z.array(
      z.object({
        at: TIME,
        stage: z.string().meta({
          description: `What the line is about: ${JOB_STAGES.join(', ')}. before and after are hooks.`,
        }),
        level: z.enum(['info', 'warn', 'error']),
        text: z.string().meta({ description: 'May come from another program: never show it as HTML.' }),
      }),
    ),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'JobLog' })

export const JOB_ACCEPTED: z.ZodType = z.object({ job_id: UUID }).meta({ id: 'JobAccepted' })

/** A policy in a request; `parseKeep` checks the ranges. */
export const KEEP: z.ZodType<Record<string, number | string | string[]>> = z
  .record(
    z
      .string()
      .regex(
        /^(keep[_-])?(last|hourly|daily|weekly|monthly|yearly|within|minimum|tags?)$/,
        'an unknown rule',
      ),
    z.union(
      [z.int().min(1), z.string().max(64), z.array(z.string().max(64)).max(16)],
      'a whole number, a time such as 30d, or tags',
    ),
  )
  .meta({
    id: 'KeepPolicy',
    description:
      'How many backups each rule keeps; within is a time such as 30d; tags keeps every backup with one of them.',
  })

export const SCHEDULE: z.ZodType = z
  .object({
    id: UUID,
    source: z.string(),
    cron: z.string(),
    timezone: z.string(),
    enabled: z.boolean(),
    keep: z.looseObject({}).nullable(),
    jitter: COUNT.meta({ description: 'Seconds.' }),
    catch_up: z.enum(['once', 'skip']),
    project_id: z.string(),
    type: TYPE,
    last_job: JOB.nullable(),
    next_run_at: TIME_OR_NULL,
  })
  .meta({ id: 'Schedule' })

export const SCHEDULE_TIMES: z.ZodType = z
  .object({ next_runs: z.array(TIME).meta({ description: 'The first five, without jitter.' }) })
  .meta({ id: 'ScheduleTimes' })

export const SCHEDULE_PAGE: z.ZodType = z
  .object({ items: z.array(SCHEDULE), next_cursor: z.null() })
  .meta({ id: 'ScheduleList' })
