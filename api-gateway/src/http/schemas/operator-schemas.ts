import { API_SCOPES, type AuditAct, BACKUP_ACTS, OTHER_ACTS } from '@telegram-backup/database'
import { z } from 'zod'
import { PROJECT_ID, TIME, TIME_OR_NULL, TYPE, UUID } from '#http/schemas/terms.ts'

// Schemas for those who run the service: alerts, keys, the audit, retention, restores before they begin.

const COUNT = z.int().min(0)
const NEXT_CURSOR = z.string().nullable()
const ADMIN_ONLY = 'Only for keys with the scope admin.'

export const ALERT: z.ZodType = z
  .object({
    id: UUID,
    kind: z.string().meta({ description: 'The kinds are those of notices.' }),
    state: z.enum(['open', 'ended']),
    project_id: z.string().nullable(),
    type: z.string().nullable(),
    source: z.string().nullable(),
    text: z.string().meta({ description: 'May quote other programs: never show it as HTML.' }),
    details: z.looseObject({}),
    since: TIME,
    ended_at: TIME_OR_NULL,
    told_at: TIME_OR_NULL.meta({ description: 'When a notice was first sent.' }),
    muted_until: TIME_OR_NULL,
    muted_by: z.string().nullable().optional().meta({ description: ADMIN_ONLY }),
  })
  .meta({ id: 'Alert' })

export const ALERT_PAGE: z.ZodType = z
  .object({ items: z.array(ALERT), next_cursor: NEXT_CURSOR })
  .meta({ id: 'AlertPage' })

const KEY_FIELDS = {
  id: UUID,
  name: z.string(),
  prefix: z.string().meta({ description: 'The first characters of the key.' }),
  scopes: z.array(z.enum(API_SCOPES)),
  project_id: z.string().nullable().meta({ description: 'Null: all projects.' }),
  created_at: TIME,
  expires_at: TIME_OR_NULL,
  last_used_at: TIME_OR_NULL,
  revoked_at: TIME_OR_NULL,
}

export const KEY_PAGE: z.ZodType = z
  .object({ items: z.array(z.object(KEY_FIELDS).meta({ id: 'Key' })), next_cursor: NEXT_CURSOR })
  .meta({ id: 'KeyPage' })

export const NEW_KEY: z.ZodType = z
  .object({ ...KEY_FIELDS, key: z.string().meta({ description: 'Shown once; only its hash is stored.' }) })
  .meta({ id: 'NewKey' })

export const ACT: z.ZodType<AuditAct> = z.enum([...BACKUP_ACTS, ...OTHER_ACTS])

export const AUDIT_PAGE: z.ZodType = z
  .object({
    items: z.array(
      z
        .object({
          id: COUNT,
          at: TIME,
          actor: z.string(),
          act: z.string(),
          object: z.string().meta({ description: 'An id, or the name of what has none.' }),
          project_id: z.string().nullable(),
          details: z.looseObject({}),
        })
        .meta({ id: 'AuditEntry' }),
    ),
    next_cursor: NEXT_CURSOR,
  })
  .meta({ id: 'AuditPage' })

const PREVIEWED = z.array(
  z.object({
    id: UUID,
    reasons: z.array(z.string()),
    needs_confirmation: z.boolean().meta({
      description: 'Kept until a person agrees, because too many would go at once.',
    }),
  }),
)

export const RETENTION_PREVIEW: z.ZodType = z
  .object({ keeps: PREVIEWED, erases: PREVIEWED })
  .meta({ id: 'RetentionPreview' })

export const POLICY_PAGE: z.ZodType = z
  .object({
    items: z.array(
      z
        .object({
          project_id: PROJECT_ID,
          type: TYPE,
          source: z.string().nullable().meta({
            description:
              'Null: the policy of the project and type. Else that of a removed schedule of this source.',
          }),
          keep: z.looseObject({}),
        })
        .meta({ id: 'Policy' }),
    ),
    next_cursor: z.null(),
  })
  .meta({ id: 'PolicyPage' })

export const PREFLIGHT: z.ZodType = z
  .object({
    fetches: COUNT.meta({ description: 'Bytes to fetch from the chat.' }),
    parts: COUNT,
    writes: COUNT.meta({ description: 'Plain bytes.' }),
    takes_seconds: z.number().min(0).nullable().meta({ description: 'An estimate.' }),
    takes_from: z
      .enum(['drill', 'send'])
      .nullable()
      .meta({ description: 'Measured by drills of the source, or only as long as the send took.' }),
    takes_measured_at: TIME_OR_NULL.meta({ description: 'When that drill was.' }),
    target: z.string(),
    way: z.string().nullable().meta({ description: 'Null when the restore cannot begin.' }),
    replaces: z.string().nullable().meta({ description: 'What the target holds now and loses.' }),
    problems: z.array(
      z.object({
        code: z.string().meta({ description: 'As of an error; a warning has WARNING.' }),
        text: z.string(),
        hint: z.string().optional(),
        blocks: z.boolean().meta({ description: 'The restore would fail.' }),
      }),
    ),
  })
  .meta({ id: 'RestorePreflight' })
