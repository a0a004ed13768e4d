import { z } from 'zod'
import { parseSize } from '#units/quantities.ts'

/** `objects:` of telegram-backup.yaml: how `serve` keeps the objects of buckets. */
export interface ObjectSettings {
  /** For packs that were fetched or sent, as they are in the chat, in the state folder; in bytes. */
  cacheBytes: number
}

/** Room for a few packs: reading one file needs several at the same time. */
const LEAST_CACHE_BYTES = 128 * 2 ** 20

export const OBJECT_SETTINGS_SCHEMA: z.ZodType<ObjectSettings> = z
  .strictObject({
    cache_bytes: z
      .union([z.string(), z.number().transform(String)], 'write bytes: 500M, 2G')
      .default('2G')
      .transform((text, context) => {
        try {
          const size = parseSize(text)
          if (size >= LEAST_CACHE_BYTES) return size
        } catch {
          // Reported below.
        }
        context.addIssue({ code: 'custom', message: 'write bytes, 128M at least: 500M, 2G' })
        return z.NEVER
      }),
  })
  .transform(({ cache_bytes }) => ({ cacheBytes: cache_bytes }))

/** Without `objects:` in the file. */
export const DEFAULT_OBJECT_SETTINGS: ObjectSettings = OBJECT_SETTINGS_SCHEMA.parse({})
