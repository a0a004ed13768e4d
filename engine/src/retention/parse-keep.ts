import { checkedTags, type KeepPolicy } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { z } from 'zod'
import { parseSpanMs } from '#units/quantities.ts'

const MOST = 100_000
/** A hundred years. */
const LONGEST_MS = 36_525 * 86_400_000

const COUNT = z.int('write a whole number').min(1, 'write 1 or more').max(MOST, `write ${MOST} or less`)
const KEEP = z.strictObject({
  last: COUNT.optional(),
  hourly: COUNT.optional(),
  daily: COUNT.optional(),
  weekly: COUNT.optional(),
  monthly: COUNT.optional(),
  yearly: COUNT.optional(),
  within: z.string('write a span such as 30d').optional(),
  minimum: COUNT.optional(),
  tags: z
    .union([z.string().transform(tag => [tag]), z.array(z.string())], 'write a tag, or a list of tags')
    .optional(),
})

/**
 * Reads a policy from a request or a command; null for no policy. Rules may have the prefix `keep_` or
 * `keep-`. `tag` stands for `tags`. Throws `INVALID` for an unknown
 * rule, a rule that is given twice, and a value out of range.
 */
export function parseKeep(input: unknown): KeepPolicy | null {
  if (input === null || input === undefined) return null
  const plain = typeof input === 'object' && !Array.isArray(input) ? withoutPrefixes(input) : input
  const parsed = KEEP.safeParse(plain)
  if (!parsed.success) throw refused(wordsOf(parsed.error.issues[0]))
  const { within, tags, ...counts } = parsed.data
  return {
    ...(Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined)) as KeepPolicy),
    ...(within === undefined ? {} : { within_ms: readSpan(within) }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags: checkedTags(tags) }),
  }
}

function withoutPrefixes(input: object): Record<string, unknown> {
  const rules = new Map<string, unknown>()
  for (const [name, value] of Object.entries(input)) {
    const rule = name.replace(/^keep[_-]/, '').replace(/^tag$/, 'tags')
    // The schema would ignore `__proto__`.
    if (!Object.hasOwn(KEEP.shape, rule))
      throw refused(`there is no rule ${JSON.stringify(name.slice(0, 40))}`)
    if (rules.has(rule)) throw refused(`${rule} is given twice, the second time as ${JSON.stringify(name)}`)
    rules.set(rule, value)
  }
  return Object.fromEntries(rules)
}

function readSpan(text: string): number {
  const ms = parseSpanMs(text)
  if (ms > 0 && ms <= LONGEST_MS) return ms
  throw new BackupError(`keep within: ${JSON.stringify(text)} is too ${ms === 0 ? 'short' : 'long'}`, {
    code: 'INVALID',
    hint: 'Write a span such as 36h, 30d or 8w.',
  })
}

function wordsOf(issue: z.core.$ZodIssue | undefined): string {
  return [issue?.path.join('.'), issue?.message].filter(Boolean).join(': ')
}

function refused(words: string): BackupError {
  return new BackupError(`The retention policy is not understood: ${words}`, {
    code: 'INVALID',
    hint: 'The rules are last, hourly, daily, weekly, monthly, yearly (how many), within (such as 30d), minimum and tags.',
  })
}
