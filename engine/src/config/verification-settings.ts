import { z } from 'zod'
import { holdsVariable } from '#config/config-variables.ts'
import { readDrillWithin } from '#config/drill-wishes.ts'
import { parseSpanMs } from '#units/quantities.ts'

/** Automatic verification: `verification:` of telegram-backup.yaml. */
export interface VerificationSettings {
  /** At most so many messages are read within an hour: each costs a copy in the chat, which limits them. */
  messagesPerHour: number
  /** In milliseconds; null: no automatic verification. */
  readAllWithinMs: number | null
  /**
   * For every source without an own one, in milliseconds; null: no drills; undefined: the file says nothing.
   */
  drillWithinMs: number | null | undefined
}

/** A shorter time would mean to read all the time. */
const LEAST_MS = 24 * 3_600_000

/** As `drill_within` may be written, here and for a source. */
export const DRILL_WITHIN: z.ZodType<string | false> = z
  .union([z.string(), z.literal(false)], 'write a span such as 30d, or off')
  .refine(
    text => (text !== false && holdsVariable(text)) || readDrillWithin(text) !== undefined,
    'write a span of a minute at least, such as 30d, or off',
  )

export const VERIFICATION_SCHEMA: z.ZodType<VerificationSettings> = z
  .strictObject({
    read_all_within: z
      .union([z.string(), z.literal(false)], 'write a span such as 30d, or off')
      .default('30d')
      .transform((text, context) => {
        if (text === false || text === 'off') return null
        try {
          const span = parseSpanMs(text)
          if (span >= LEAST_MS) return span
        } catch {
          // Reported below.
        }
        context.addIssue({ code: 'custom', message: 'write a span of a day at least, such as 30d, or off' })
        return z.NEVER
      }),
    drill_within: DRILL_WITHIN.refine(
      text => text === false || !holdsVariable(text),
      'write it without a variable',
    )
      .optional()
      .transform(text => (text === undefined ? undefined : readDrillWithin(text))),
    messages_per_hour: z.int('write a whole number').min(1, 'at least 1').default(300),
  })
  .transform(({ read_all_within, drill_within, messages_per_hour }) => ({
    readAllWithinMs: read_all_within,
    drillWithinMs: drill_within,
    messagesPerHour: messages_per_hour,
  }))

/** Without `verification:` in the file. */
export const DEFAULT_VERIFICATION: VerificationSettings = VERIFICATION_SCHEMA.parse({})
