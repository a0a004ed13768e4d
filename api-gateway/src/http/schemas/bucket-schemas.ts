import { OVERVIEW_STATES } from '@telegram-backup/engine/operations/overview.ts'
import { z } from 'zod'
import { REASON, TIME, TIME_OR_NULL, UUID } from '#http/schemas/terms.ts'

// Schemas for the buckets of other backup programs, and the keys of their doors.

const COUNT = z.int().min(0)
const NEXT_CURSOR = z.string().nullable()

export const BUCKET_KIND: z.ZodEnum<{ restic: 'restic'; s3: 's3' }> = z.enum(['restic', 's3'])
export const DOOR_SCOPE: z.ZodEnum<{ read: 'read'; append: 'append'; full: 'full' }> = z.enum([
  'read',
  'append',
  'full',
])

/** What can be said about a new bucket besides its name. */
export const BUCKET_TERMS: {
  undelete_seconds: z.ZodOptional<z.ZodInt>
  replica: z.ZodOptional<z.ZodEnum<{ wait: 'wait'; later: 'later' }>>
  max_bytes: z.ZodOptional<z.ZodInt>
  snapshot_limit_hours: z.ZodOptional<z.ZodInt>
} = {
  undelete_seconds: z.int().min(0).max(31_536_000).optional().meta({
    description: 'How long a deleted object can be brought back; 7 days, if left out.',
  }),
  replica: z.enum(['wait', 'later']).optional().meta({
    description: 'Whether an answer to a write waits for the second chat; later, if left out.',
  }),
  max_bytes: z.int().min(1).optional().meta({ description: 'Of live objects; no limit, if left out.' }),
  snapshot_limit_hours: z.int().min(1).max(87_600).optional().meta({
    description: 'People are told when the newest snapshot is older; never, if left out.',
  }),
}

export const BUCKET: z.ZodType = z
  .object({
    id: UUID,
    name: z.string(),
    kind: BUCKET_KIND,
    project_id: z.string(),
    state: z.enum(OVERVIEW_STATES),
    reasons: z.array(REASON),
    undelete_seconds: z.number().min(0),
    replica: z.enum(['wait', 'later']),
    max_bytes: z.int().nullable(),
    snapshot_limit_hours: z.int().nullable(),
    created_at: TIME,
    last_snapshot_at: TIME_OR_NULL,
    undeleting_to: TIME_OR_NULL.meta({
      description: 'It is being taken back to this moment: its door is closed until that has ended.',
    }),
    objects: COUNT.meta({ description: 'Live ones.' }),
    bytes: COUNT.meta({ description: 'Of live objects.' }),
    undeletable_bytes: COUNT.meta({ description: 'Of deleted objects that can be brought back.' }),
    dead_bytes: COUNT.meta({ description: 'In messages, and of no object any more.' }),
    messages: COUNT.meta({ description: 'In all chats.' }),
  })
  .meta({ id: 'Bucket' })

export const BUCKET_PAGE: z.ZodType = z
  .object({ items: z.array(BUCKET), next_cursor: z.null() })
  .meta({ id: 'BucketPage' })

const DOOR_KEY_FIELDS = {
  id: UUID,
  bucket_id: UUID,
  user: z.string().meta({ description: 'What the client gives beside the key.' }),
  name: z.string(),
  scope: DOOR_SCOPE,
  created_at: TIME,
  expires_at: TIME_OR_NULL,
  last_used_at: TIME_OR_NULL,
  revoked_at: TIME_OR_NULL,
}

export const DOOR_KEY_PAGE: z.ZodType = z
  .object({ items: z.array(z.object(DOOR_KEY_FIELDS).meta({ id: 'DoorKey' })), next_cursor: NEXT_CURSOR })
  .meta({ id: 'DoorKeyPage' })

export const NEW_DOOR_KEY: z.ZodType = z
  .object({
    ...DOOR_KEY_FIELDS,
    key: z.string().meta({ description: 'Shown once; only its hash is stored.' }),
  })
  .meta({ id: 'NewDoorKey' })

export const UNDELETED: z.ZodType = z
  .object({
    restored: COUNT.meta({ description: 'Objects that are as they were at that time again.' }),
    removed: COUNT.meta({ description: 'Objects that did not exist at that time, and are deleted now.' }),
    unchanged: COUNT,
  })
  .meta({ id: 'Undeleted' })
