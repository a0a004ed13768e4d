import { z } from 'zod'
import { TIME } from '#http/schemas/terms.ts'

export const WHOAMI: z.ZodType = z
  .object({
    who: z.string().meta({ description: 'The name of the key.' }),
    kind: z.literal('key').meta({ description: 'What the request was recognised by.' }),
    role: z.enum(['viewer', 'operator', 'restorer', 'admin']).nullable().meta({
      description:
        'The highest role that the scopes make: read, backup, restore, admin; null for none that is known.',
    }),
    scopes: z.array(z.string()),
    projects: z.array(z.string()).nullable().meta({ description: 'Null: all projects.' }),
    since: TIME.meta({ description: 'When the key was made.' }),
    factors: z.array(z.literal('key')).meta({ description: 'What the caller has proven itself with.' }),
  })
  .meta({ id: 'WhoAmI' })
