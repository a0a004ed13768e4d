import type { BackupState, VerificationKind, VerificationState } from '@telegram-backup/database'
import { z } from 'zod'
import { PROJECT_ID, TIME, TIME_OR_NULL, TYPE, UUID } from '#http/schemas/terms.ts'

export const BACKUP_STATE: z.ZodType<BackupState> = z.enum([
  'sending',
  'complete',
  'failed',
  'erasing',
  'erased',
])
export const VERIFICATION_KIND: z.ZodType<VerificationKind> = z.enum(['existence', 'data', 'drill'])
export const VERIFICATION_STATE: z.ZodType<VerificationState> = z.enum([
  'running',
  'sound',
  'damaged',
  'failed',
])
const PART_STATE = z.enum(['intended', 'sent', 'missing', 'damaged', 'tombstone', 'erased'])
const COUNT = z.int().min(0)

const BACKUP_FIELDS = {
  id: UUID,
  project_id: PROJECT_ID,
  type: TYPE,
  state: BACKUP_STATE,
  file_id: z.string().nullable().meta({ description: 'The first part; only this bot can use the id.' }),
  size: COUNT.meta({ description: 'Plain bytes, before compression.' }),
  archive_size: COUNT.nullable().meta({ description: 'Bytes of all parts, as sent.' }),
  created_at: TIME,
  completed_at: TIME_OR_NULL,
  expires_at: TIME,
  restore_count: COUNT,
  filename: z.string().nullable(),
  caption: z.string().nullable(),
  chat_id: z.string().nullable(),
  encrypted: z.boolean().nullable(),
  plain_sha256: z.string().nullable(),
  archive_sha256: z.string().nullable(),
  part_count: z.int().min(1).nullable(),
  error: z.string().nullable(),
  scheduled_for: TIME_OR_NULL,
  damaged_at: TIME_OR_NULL.meta({ description: 'When it was found damaged.' }),
  verified_at: TIME_OR_NULL.meta({ description: 'When every byte was last found correct.' }),
  source_name: z.string().nullable(),
  source: z.looseObject({}).nullable().optional().meta({
    description: 'What was recorded of its source, such as its kind; docs/format.md describes the fields.',
  }),
  schedule_id: UUID.nullable(),
  group_id: UUID.nullable().meta({
    description: 'The run over a PostgreSQL cluster that it belongs to; the id of its job, if a job made it.',
  }),
  group_size: COUNT.nullable().meta({ description: 'How many backups that run was to make.' }),
  member: z.string().nullable().meta({ description: 'globals, or database: and the name.' }),
  pinned_at: TIME_OR_NULL,
  tags: z.array(z.string()).meta({ description: 'Words that people gave it; sorted.' }),
  missing_files: COUNT.optional().meta({
    description: 'Files that are missing, or changed while they were read, as the send allowed.',
  }),
}

const VERIFICATION_FIELDS = {
  id: UUID,
  kind: VERIFICATION_KIND,
  state: VERIFICATION_STATE,
  parts: COUNT,
  bytes: COUNT,
  findings: z.array(z.looseObject({})),
  code: z.string().nullable().meta({ description: 'Of the error of one that failed.' }),
  depth: z.enum(['restored', 'counts', 'dump', 'contents']).nullable(),
  report: z.looseObject({}).nullable().meta({ description: 'What a drill compared.' }),
  started_at: TIME,
  finished_at: TIME_OR_NULL,
}

export const VERIFICATION: z.ZodType = z
  .looseObject({
    ...VERIFICATION_FIELDS,
    backup_id: UUID,
    project_id: PROJECT_ID,
    type: TYPE,
    source_name: z.string().nullable(),
    job_id: UUID.nullable(),
    error: z.string().nullable(),
    actor: z.string().optional().meta({ description: 'Only for keys with the scope admin.' }),
  })
  .meta({ id: 'Verification' })

export const VERIFICATION_PAGE: z.ZodType = z
  .object({ items: z.array(VERIFICATION), next_cursor: z.string().nullable() })
  .meta({ id: 'VerificationPage' })

/** Loose, so that later versions may add fields. */
export const BACKUP: z.ZodType = z.looseObject(BACKUP_FIELDS).meta({ id: 'Backup' })

export const BACKUP_DETAILS: z.ZodType = z
  .looseObject({
    ...BACKUP_FIELDS,
    restore_estimate: z
      .looseObject({ seconds: z.number(), verification_id: UUID, backup_id: UUID, measured_at: TIME })
      .nullable()
      .meta({ description: 'How long a restore takes, by the last drills of the source.' }),
    missing: z
      .array(z.looseObject({ path: z.string(), reason: z.string() }))
      .meta({ description: 'These files, at most 1,000.' }),
    parts: z.array(
      z.looseObject({
        part_no: z.int().min(1),
        chat_id: z.string(),
        message_id: z.int().nullable(),
        file_id: z.string().nullable(),
        size: COUNT.meta({ description: 'Bytes as sent.' }),
        sha256: z.string(),
        state: PART_STATE,
      }),
    ),
    manifest: z.looseObject({ message_id: z.int(), file_id: z.string() }).nullable(),
    history: z.array(
      z.looseObject({
        event: z.string(),
        at: TIME,
        actor: z.string().optional().meta({ description: 'Only for keys with the scope admin.' }),
        details: z.looseObject({}),
      }),
    ),
    verifications: z.array(z.looseObject(VERIFICATION_FIELDS)),
  })
  .meta({ id: 'BackupDetails' })

export const BACKUP_PAGE: z.ZodType = z
  .object({ items: z.array(BACKUP), next_cursor: z.string().nullable() })
  .meta({ id: 'BackupPage' })

const DETAILS = z.looseObject({ telegramSuccess: z.boolean(), databaseSuccess: z.boolean() })

export const INTEGRATED_RESULT: z.ZodType = z
  .looseObject({
    success: z.literal(true),
    telegramMetadata: z.looseObject({ id: z.string() }),
    databaseRecord: BACKUP,
    details: DETAILS,
  })
  .meta({ id: 'IntegratedBackupResult' })

export const BACKUP_STATS: z.ZodType = z
  .looseObject({
    total_backups: COUNT,
    total_size: COUNT,
    by_type: z.object({ database: z.int(), storage: z.int(), logs: z.int() }),
    oldest_backup: TIME_OR_NULL,
    newest_backup: TIME_OR_NULL,
    expiring_soon: COUNT.meta({ description: 'Within the next 7 days.' }),
    damaged: COUNT.meta({ description: 'Known to be damaged; the other numbers include them.' }),
    with_missing_files: COUNT.meta({
      description: 'With files that are missing, or changed while they were read.',
    }),
  })
  .meta({ id: 'BackupStats' })

/** RFC 9457, as `problems.ts` writes it. */
export const PROBLEM: z.ZodType = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string(),
    code: z.string().meta({ description: 'The same code as on the command line.' }),
    hint: z.string().optional().meta({ description: 'What to do next.' }),
    details: DETAILS.optional().meta({ description: 'Only for an upload: which side has the backup.' }),
  })
  .meta({ id: 'Problem' })
