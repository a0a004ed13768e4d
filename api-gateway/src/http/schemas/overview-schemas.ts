import { OVERVIEW_STATES, PROOF_DEPTHS } from '@telegram-backup/engine/operations/overview.ts'
import { z } from 'zod'
import { BUCKET } from '#http/schemas/bucket-schemas.ts'
import { JOB } from '#http/schemas/job-schemas.ts'
import { ALERT } from '#http/schemas/operator-schemas.ts'
import { REASON, TIME, TIME_OR_NULL, TYPE, UUID } from '#http/schemas/terms.ts'

const COUNT = z.int().min(0)
const STATE = z.enum(OVERVIEW_STATES)

const SOURCE_OVERVIEW = z
  .object({
    source: z.string().nullable().meta({ description: 'Null for backups that were sent by hand.' }),
    project_id: z.string().nullable(),
    type: TYPE.nullable(),
    state: STATE,
    reasons: z.array(REASON),
    last_good: z.object({ id: UUID, created_at: TIME }).nullable().meta({
      description: 'The newest complete backup that is not known to be damaged.',
    }),
    limit_hours: z.number().nullable().meta({
      description: 'Without a good backup for so long, the source is broken. Null: never.',
    }),
    next_run_at: TIME_OR_NULL,
    proof: z.object({
      depth: z.enum(PROOF_DEPTHS),
      at: TIME_OR_NULL,
      ok: z.boolean().nullable(),
      drill_id: UUID.nullable(),
    }),
    restore_estimate_seconds: z.number().nullable(),
    sizes: z.array(z.object({ at: TIME, size: COUNT })).meta({
      description: 'Plain bytes of the newest backups, oldest first.',
    }),
  })
  .meta({ id: 'SourceOverview' })

export const OVERVIEW: z.ZodType = z
  .object({
    state: STATE.meta({ description: 'The worst of all sources, buckets and reasons.' }),
    sentence: z.string(),
    as_of: TIME,
    reasons: z.array(REASON).meta({ description: 'What concerns no single source.' }),
    sources: z.array(SOURCE_OVERVIEW),
    buckets: z.array(BUCKET),
    alerts: z.array(ALERT).meta({ description: 'The open ones.' }),
    running: z.array(JOB),
  })
  .meta({ id: 'Overview' })

const HINTS = 'Null for a key without the scope admin: it may name a server.'

export const SOURCE_CHECK: z.ZodType = z
  .object({
    state: z.enum(['ok', 'warning', 'failed']),
    message: z.string().nullable().meta({ description: HINTS }),
    hint: z.string().nullable().meta({ description: HINTS }),
    checked_at: TIME,
  })
  .meta({ id: 'SourceCheck' })

const SERVES = COUNT.meta({ description: 'How many running serves have it in their file.' })

export const SOURCE_LIST: z.ZodType = z
  .object({
    items: z.array(
      z
        .object({
          name: z.string(),
          project_id: z.string().nullable(),
          type: TYPE.nullable(),
          kind: z.string().nullable(),
          is_usable: z.boolean(),
          serves: SERVES,
          no_backup_for_hours: z.number().nullable(),
          proof: z.enum(['off', 'count', 'fast', 'sha256']).nullable().meta({
            description: 'What its backups record to be compared in drills; null where nothing is.',
          }),
          drill_within_hours: z.number().nullable().meta({
            description: 'Within so long a drill has to prove it; null where no serve makes drills of it.',
          }),
          schedules: z.array(
            z.object({
              id: UUID,
              cron: z.string(),
              timezone: z.string(),
              enabled: z.boolean(),
              next_run_at: TIME_OR_NULL,
            }),
          ),
          last_check: SOURCE_CHECK.nullable(),
        })
        .meta({ id: 'Source' }),
    ),
    next_cursor: z.null(),
  })
  .meta({ id: 'SourceList' })

export const TARGET_LIST: z.ZodType = z
  .object({
    items: z.array(
      z
        .object({
          name: z.string(),
          project_id: z.string().nullable(),
          kind: z.string().nullable(),
          serves: SERVES,
        })
        .meta({ id: 'Target' }),
    ),
    next_cursor: z.null(),
  })
  .meta({ id: 'TargetList' })
