import { z } from 'zod'
import { parseSpanMs } from '#units/quantities.ts'
import type { SamplingRules } from '#verification/plan-sampling.ts'

/** Automatic verification: `verification:` of telegram-backup.yaml. */
export interface VerificationSettings extends Omit<SamplingRules, 'readAllWithinMs'> {
  /** In milliseconds; null: no automatic verification. */
  readAllWithinMs: number | null
}

/** A shorter time would mean to read all the time. */
const LEAST_MS = 24 * 3_600_000

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
    messages_per_hour: z.int('write a whole number').min(1, 'at least 1').default(300),
  })
  .transform(({ read_all_within: readAllWithinMs, messages_per_hour: messagesPerHour }) => ({
    readAllWithinMs,
    messagesPerHour,
  }))

/** Without `verification:` in the file. */
export const DEFAULT_VERIFICATION: VerificationSettings = VERIFICATION_SCHEMA.parse({})
