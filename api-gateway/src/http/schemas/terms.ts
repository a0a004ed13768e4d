import type { BackupType } from '@telegram-backup/database'
import { z } from 'zod'

// Schemas that several requests and answers use.

/** The catalog has the same rule. */
export const PROJECT_ID: z.ZodString = z
  .string()
  .regex(
    /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'a project id has letters, digits, ".", "_" and "-", 64 at most',
  )

/** The name of a source or a target in telegram-backup.yaml. */
export const NAME: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a name has letters, digits, ".", "_" and "-", 64 at most')

/** The catalog has the same rule. */
export const TAG: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,64}$/, 'a tag has letters, digits, ".", "_", ":" and "-", 64 at most')

export const TYPE: z.ZodType<BackupType> = z.enum(['database', 'storage', 'logs'])

export const UUID: z.ZodType<string> = z.guid().meta({ format: 'uuid' })

export const TIME: z.ZodType<string> = z.iso.datetime()

export const TIME_OR_NULL: z.ZodType<string | null> = z.iso.datetime().nullable()

/** Why something has its state. */
export const REASON: z.ZodType = z
  .object({
    code: z.string().meta({ description: 'Stable: the kind of an alert, or a word of docs/status.md.' }),
    text: z.string(),
    since: TIME_OR_NULL,
  })
  .meta({ id: 'Reason' })

/** A time in a request: with its offset from UTC, or a day, which begins at 0:00 UTC. */
export const GIVEN_TIME: z.ZodType<Date, string> = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.date()],
    'a time such as 2026-11-25T14:00:00Z, or a day such as 2026-11-25',
  )
  .transform(text => new Date(text))

/** The number of items on a page. */
export const LIMIT: z.ZodType<number, string | undefined> = z
  .string()
  .regex(/^\d{1,3}$/, 'a whole number from 1 to 500')
  .transform(Number)
  .pipe(z.int().min(1, 'a whole number from 1 to 500').max(500, 'a whole number from 1 to 500'))
  .default(100)
  .meta({ override: { type: 'integer', minimum: 1, maximum: 500, default: 100 } })

/** The place where the next page begins; only `readCursor` can read it. */
export const CURSOR: z.ZodString = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-]+$/, 'a cursor is the next_cursor of the page before')

export const EVEN_THE_LAST: z.ZodType<boolean, 'true' | 'false' | undefined> = z
  .enum(['true', 'false'])
  .default('false')
  .transform(word => word === 'true')
  .meta({ description: 'Erase it even if it is the last good backup of its project and type.' })
