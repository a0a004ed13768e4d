import { z } from 'zod'
import { TIME_OR_NULL } from '#http/schemas/terms.ts'

/** A name in a backup of a directory. It is no place of this machine: it is only looked up in that backup. */
export const MEMBER_PATH: z.ZodString = z.string().max(4_096).meta({
  description:
    'Of a file or a folder in the backup, as GET /backups/{id}/members lists it; bytes that are not UTF-8 as ls -b writes them.',
})

export const SEARCH: z.ZodString = z
  .string()
  .min(1)
  .max(200)
  .meta({ description: 'In and below the path, names that have this text, in upper or lower case.' })

export const MEMBER_PAGE: z.ZodType = z
  .object({
    items: z.array(
      z
        .object({
          path: z.string().meta({ description: 'May hold any characters: never show it as HTML.' }),
          path_base64: z.string().optional().meta({ description: 'Its bytes, if they are not UTF-8.' }),
          kind: z.enum(['file', 'directory', 'symlink', 'hardlink', 'other']),
          size: z.int().min(0).meta({ description: 'Bytes of a file; else 0.' }),
          mode: z.string().nullable().meta({ description: 'Octal, such as 0644.' }),
          owner: z.string().nullable(),
          group: z.string().nullable(),
          modified_at: TIME_OR_NULL,
          link: z.string().optional().meta({ description: 'Where a link leads.' }),
          sha256: z.string().optional(),
        })
        .meta({ id: 'Member' }),
    ),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'MemberPage' })
