import { z } from 'zod'
import type { SourceSettings } from '#sources/source-settings.ts'

/** Where a backup can be restored to, by name. */
export interface TargetSettings {
  postgres: string
}

/** The file as it was written, variables not filled in. */
export interface ConfigFileContents {
  sources: Record<string, SourceSettings>
  targets: Record<string, TargetSettings>
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

const SOURCE: z.ZodType<SourceSettings> = z.strictObject({
  project: TEXT,
  type: z.enum(['database', 'storage', 'logs'], 'write database, storage or logs'),
  postgres: TEXT.optional(),
  directory: TEXT.optional(),
  file: TEXT.optional(),
  filename: TEXT.optional(),
  caption: TEXT.optional(),
  chat: AMOUNT.optional(),
  expires: AMOUNT.optional(),
  limit_rate: AMOUNT.optional(),
  format: z.enum(['plain', 'custom'], 'write plain or custom').optional(),
  schema: PATTERNS.optional(),
  exclude_schema: PATTERNS.optional(),
  table: PATTERNS.optional(),
  exclude_table: PATTERNS.optional(),
  exclude_table_data: PATTERNS.optional(),
  lock_timeout: AMOUNT.optional(),
  exclude: PATTERNS.optional(),
  include: PATTERNS.optional(),
  since: AMOUNT.optional(),
  one_file_system: z.boolean('write true or false').optional(),
  allow: PATTERNS.optional(),
})

/** Only where there are no names; what is wrong with a name or below it has words of its own. */
const ENTRIES = ({ code }: { code?: string | undefined }): string | undefined =>
  code === 'invalid_type' ? 'write names, each with its settings below it' : undefined

/** What may stand in `telegram-backup.yaml`; what is not named here may not. */
export const CONFIG_FILE_SCHEMA: z.ZodType<ConfigFileContents> = z.strictObject({
  sources: z
    .record(NAME, SOURCE, { error: ENTRIES })
    .nullish()
    .transform(sources => sources ?? {}),
  targets: z
    .record(NAME, z.strictObject({ postgres: TEXT }), { error: ENTRIES })
    .nullish()
    .transform(targets => targets ?? {}),
})
