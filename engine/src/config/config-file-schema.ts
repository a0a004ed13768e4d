import { isAbsolute } from 'node:path'
import { ALLOWANCES, parseAllowances } from '@telegram-backup/connectors/allowances.ts'
import { PROOF_MODES } from '@telegram-backup/connectors/proof-mode.ts'
import { z } from 'zod'
import { holdsVariable } from '#config/config-variables.ts'
import { HOOK_COMMANDS } from '#config/hook-settings.ts'
import { DEFAULT_HTTP_SETTINGS, HTTP_SETTINGS_SCHEMA, type HttpSettings } from '#config/http-settings.ts'
import {
  NOTIFICATION_ENTRIES,
  type NotificationEntries,
  readNoBackupFor,
} from '#config/notification-settings.ts'
import {
  DEFAULT_OBJECT_SETTINGS,
  OBJECT_SETTINGS_SCHEMA,
  type ObjectSettings,
} from '#config/object-settings.ts'
import { RETENTION_ENTRIES, type RetentionEntries } from '#config/retention-settings.ts'
import type { SourceSettings } from '#config/source-settings.ts'
import {
  DEFAULT_VERIFICATION,
  DRILL_WITHIN,
  VERIFICATION_SCHEMA,
  type VerificationSettings,
} from '#config/verification-settings.ts'
import { parseExpiry, parseRate, parseSpanMs } from '#units/quantities.ts'
import { readTags } from '#units/tags.ts'

export interface TargetSettings {
  /** It has one of the two. */
  postgres?: string | undefined
  /** The absolute path of a folder: new, empty, or to be replaced. */
  directory?: string | undefined
  /** API keys of this project may restore to it. Default: only API keys without a project. */
  project?: string | undefined
}

/** The file as it was written; variables are not filled in. */
export interface ConfigFileContents {
  sources: Record<string, SourceSettings>
  targets: Record<string, TargetSettings>
  notifications: NotificationEntries
  http: HttpSettings
  retention: RetentionEntries
  verification: VerificationSettings
  objects: ObjectSettings
}

const TEXT = z.string('write text')
/** `500k` is text to YAML, and `500000` a number. */
const AMOUNT = z.union([TEXT, z.number().transform(String)], 'write a number and a unit')
const PATTERNS = z.union(
  [TEXT.transform(pattern => [pattern]), z.array(TEXT)],
  'write a pattern, or a list of patterns',
)
const NAME = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a name has letters, digits, ".", "_" and "-", 64 at most')

/** Accepts a variable: its value is checked when it is filled in. */
const reads =
  (parse: (text: string) => unknown) =>
  (text: string): boolean =>
    holdsVariable(text) || isRead(() => parse(text))

function isRead(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}
/** An expiry in the past stops the backups of one source, not the use of the whole file. */
const isExpiry = reads(text => parseExpiry(text, new Date(0)))
const EXPIRES = AMOUNT.refine(
  isExpiry,
  'write 12h, 30d, 8w, or a date such as 2027-01-31; a pin keeps one backup for longer',
)
const RATE = AMOUNT.refine(reads(parseRate), 'write bytes per second, 1k at least: 500k, 2M or 1G')
const SPAN = AMOUNT.refine(reads(parseSpanMs), 'write a whole number and a unit: 90s, 15m, 24h, 7d or 2w')
const OVERDUE = AMOUNT.refine(
  reads(readNoBackupFor),
  'write a whole number and a unit, a minute at least: 15m, 24h, 7d or 2w',
)
const ALLOWED = PATTERNS.refine(
  texts => texts.every(reads(parseAllowances)),
  `write any of ${ALLOWANCES.join(', ')}`,
)

const TAGS = z
  .union([AMOUNT.transform(tag => [tag]), z.array(AMOUNT)], 'write a tag, or a list of tags')
  .refine(
    tags => tags.some(holdsVariable) || isRead(() => readTags(tags)),
    'a tag has 1 to 64 letters, digits, ".", "_", ":" and "-"; 16 tags at most',
  )

const SOURCE_OBJECT = z.strictObject({
  project: TEXT,
  type: z.enum(['database', 'storage', 'logs'], 'write database, storage or logs'),
  postgres: TEXT.optional(),
  postgres_cluster: TEXT.optional(),
  directory: TEXT.optional(),
  file: TEXT.optional(),
  filename: TEXT.optional(),
  caption: TEXT.optional(),
  tags: TAGS.optional(),
  chat: AMOUNT.optional(),
  expires: EXPIRES.optional(),
  limit_rate: RATE.optional(),
  format: z.enum(['plain', 'custom'], 'write plain or custom').optional(),
  schema: PATTERNS.optional(),
  exclude_schema: PATTERNS.optional(),
  table: PATTERNS.optional(),
  exclude_table: PATTERNS.optional(),
  exclude_table_data: PATTERNS.optional(),
  lock_timeout: SPAN.optional(),
  proof: z.enum(PROOF_MODES, 'write off, count, fast or sha256').optional(),
  count_rows: z.boolean('write true or false').optional(),
  trust_dump: z.boolean('write true or false').optional(),
  drill_on: TEXT.optional(),
  exclude_database: PATTERNS.optional(),
  role_passwords: z.boolean('write true or false').optional(),
  exclude: PATTERNS.optional(),
  include: PATTERNS.optional(),
  since: AMOUNT.optional(),
  no_backup_for: OVERDUE.optional(),
  drill_within: DRILL_WITHIN.optional(),
  before: HOOK_COMMANDS.optional(),
  after: HOOK_COMMANDS.optional(),
  one_file_system: z.boolean('write true or false').optional(),
  allow: ALLOWED.optional(),
})
const PLACES = ['postgres', 'postgres_cluster', 'directory', 'file'] as const
/** Refuses with the file what no backup can be made of. */
const SOURCE: z.ZodType<SourceSettings> = SOURCE_OBJECT.superRefine((source, context) => {
  const [place, another] = PLACES.filter(name => source[name] !== undefined)
  const refuse = (message: string): void => context.addIssue({ code: 'custom', message })
  if (place === undefined) {
    refuse(`names nothing to read; give ${PLACES.slice(0, -1).join(', ')} or ${PLACES.at(-1)}`)
  } else if (another !== undefined) {
    refuse(`has ${place} and ${another}; give one of them, and the other to a source of its own`)
  } else if (source[place] === '') {
    refuse(`${place} is empty; say what it is to read`)
  }
})

const TARGET: z.ZodType<TargetSettings> = z
  .strictObject({ postgres: TEXT.optional(), directory: TEXT.optional(), project: TEXT.optional() })
  .superRefine(({ postgres, directory }, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message })
    if (postgres === undefined && directory === undefined)
      refuse('names nothing to restore into; give postgres or directory')
    else if (postgres !== undefined && directory !== undefined)
      refuse('has postgres and directory; give one of them, and the other to a target of its own')
    // `serve` and the commands may run in different folders.
    else if (directory !== undefined && !isAbsolute(directory) && !holdsVariable(directory))
      refuse('directory is no absolute path; write it from / on')
  })

export const SOURCE_SETTING_NAMES: readonly string[] = Object.keys(SOURCE_OBJECT.shape)

/** The error for entries that are not a map; errors in a name or below it have texts of their own. */
const ENTRIES = ({ code }: { code?: string | undefined }): string | undefined =>
  code === 'invalid_type' ? 'write names, each with its settings below it' : undefined

/** All that may stand in `telegram-backup.yaml`. */
export const CONFIG_FILE_SCHEMA: z.ZodType<ConfigFileContents> = z.strictObject({
  sources: z
    .record(NAME, SOURCE, { error: ENTRIES })
    .nullish()
    .transform(sources => sources ?? {}),
  targets: z
    .record(NAME, TARGET, { error: ENTRIES })
    .nullish()
    .transform(targets => targets ?? {}),
  retention: RETENTION_ENTRIES.nullish().transform(entries => entries ?? {}),
  notifications: NOTIFICATION_ENTRIES.nullish().transform(entries => entries ?? {}),
  verification: VERIFICATION_SCHEMA.nullish().transform(settings => settings ?? DEFAULT_VERIFICATION),
  http: HTTP_SETTINGS_SCHEMA.nullish().transform(settings => settings ?? DEFAULT_HTTP_SETTINGS),
  objects: OBJECT_SETTINGS_SCHEMA.nullish().transform(settings => settings ?? DEFAULT_OBJECT_SETTINGS),
})
