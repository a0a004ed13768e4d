import { FACTORS as ALL_FACTORS, ROLES, type Role } from '@telegram-backup/database'
import type { PasskeyAnswer } from '@telegram-backup/engine/operations/passkeys.ts'
import type { Credentials } from '@telegram-backup/engine/operations/sessions.ts'
import { z } from 'zod'
import { PASSKEY_ANSWER } from '#http/schemas/passkey-schemas.ts'
import { TIME, TIME_OR_NULL, UUID } from '#http/schemas/terms.ts'

// People, their sessions, and how they sign in.

const ROLE = z.enum(ROLES as ['viewer', 'operator', 'restorer', 'admin'])
const FACTORS = z.array(z.enum(ALL_FACTORS as ['link', 'password', 'passkey', 'oidc']))
const NEXT_CURSOR = z.string().nullable()
const ANY_PASSWORD = z.string().min(1).max(1_000)
const NEW_PASSWORD = ANY_PASSWORD.meta({ description: '12 characters or more.' })

const PERSON_FIELDS = {
  id: UUID,
  name: z.string().meta({ description: 'Never show it as HTML.' }),
  role: ROLE,
  project_id: z.string().nullable().meta({ description: 'Null: all projects.' }),
  has_password: z.boolean(),
  created_at: TIME,
  last_seen_at: TIME_OR_NULL.meta({ description: 'When a session was last used, as far as it is known.' }),
}

export const PERSON: z.ZodType = z.object(PERSON_FIELDS).meta({ id: 'Person' })

export const PERSON_PAGE: z.ZodType = z
  .object({ items: z.array(PERSON), next_cursor: NEXT_CURSOR })
  .meta({ id: 'PersonPage' })

/** A person with a new link. */
export const INVITED: z.ZodType = z
  .object({
    ...PERSON_FIELDS,
    link: z.object({
      token: z.string().meta({ description: 'What stands behind # in the address; shown once.' }),
      url: z.string().meta({ description: 'Where the page is, as far as the service knows.' }),
      expires_at: TIME,
    }),
  })
  .meta({ id: 'Invited' })

export const NEW_PERSON: z.ZodType<{ name: string; role: Role; project_id?: string | undefined }> =
  z.strictObject({
    name: z.string().min(1).max(64),
    role: ROLE,
    project_id: z.string().max(64).optional(),
  })

export const PERSON_CHANGE: z.ZodType<{
  role?: Role | undefined
  project_id?: string | null | undefined
}> = z.strictObject({
  role: ROLE.optional(),
  project_id: z.string().max(64).nullable().optional().meta({ description: 'Null: all projects.' }),
})

export const SESSION_PAGE: z.ZodType = z
  .object({
    items: z.array(
      z
        .object({
          id: UUID,
          person_id: UUID,
          person: z.string().meta({ description: 'The name.' }),
          project_id: z.string().nullable(),
          is_own: z.boolean().meta({ description: 'The session that asks.' }),
          factors: FACTORS,
          factor_at: TIME,
          user_agent: z.string().nullable().meta({ description: 'Never show it as HTML.' }),
          address: z.string().nullable(),
          created_at: TIME,
          last_used_at: TIME,
          expires_at: TIME.meta({ description: 'When it ends unless it is used before.' }),
        })
        .meta({ id: 'Session' }),
    ),
    next_cursor: NEXT_CURSOR,
  })
  .meta({ id: 'SessionPage' })

export const ENDED_SESSIONS: z.ZodType = z.object({ ended: z.int().min(0) })

/** What somebody signs in with, on all ways. */
export type AnyCredentials = Credentials | { passkey: PasskeyAnswer } | { provider: string; query: string }

const LINK = z
  .string()
  .min(1)
  .max(200)
  .meta({ description: 'What stands behind # in the address of the link.' })

export const ASKED_LINK: z.ZodType<{ link: string }> = z.strictObject({ link: LINK })

export const ASKED_LINK_IS: z.ZodType = z
  .object({
    is_usable: z.boolean().meta({ description: 'If not, all else is null.' }),
    name: PERSON_FIELDS.name.nullable(),
    role: ROLE.nullable(),
    expires_at: TIME_OR_NULL,
  })
  .meta({ id: 'AskedLink' })

export const SIGN_IN: z.ZodType<AnyCredentials> = z.union(
  [
    z.strictObject({ name: z.string().min(1).max(200), password: ANY_PASSWORD }),
    z.strictObject({
      link: LINK,
      password: NEW_PASSWORD.optional().meta({ description: 'Sets it, for the next time.' }),
    }),
    z.strictObject({
      passkey: PASSKEY_ANSWER.meta({ description: 'What the browser answers to POST /session/challenge.' }),
    }),
    z.strictObject({
      provider: z.string().min(1).max(32),
      query: z.string().min(1).max(8_000).meta({
        description: 'What stands behind ? in the address to which the provider has sent the browser.',
      }),
    }),
  ],
  'give name and password, a link and perhaps a password to set, a passkey, or a provider and its answer',
)

export const GIVEN_FACTOR: z.ZodType<{ password: string } | { passkey: PasskeyAnswer }> = z.union(
  [z.strictObject({ password: ANY_PASSWORD }), z.strictObject({ passkey: PASSKEY_ANSWER })],
  'give a password or a passkey',
)
export const SET_PASSWORD: z.ZodType<{ password: string }> = z.strictObject({ password: NEW_PASSWORD })

const KEY_WHO = z
  .object({
    who: z.string().meta({ description: 'The name of the key.' }),
    kind: z.literal('key').meta({ description: 'What the request was recognised by.' }),
    role: ROLE.nullable().meta({
      description:
        'The highest role that the scopes make: read, backup, restore, admin; null for none that is known.',
    }),
    scopes: z.array(z.string()),
    projects: z.array(z.string()).nullable().meta({ description: 'Null: all projects.' }),
    since: TIME.meta({ description: 'When the key was made.' }),
    factors: z.array(z.literal('key')).meta({ description: 'What the caller has proven itself with.' }),
  })
  .meta({ id: 'KeyWho' })

export const PERSON_WHO: z.ZodType = z
  .object({
    who: z.string().meta({ description: 'The name of the person. Never show it as HTML.' }),
    kind: z.literal('person'),
    id: UUID,
    role: ROLE,
    scopes: z.array(z.string()),
    projects: z.array(z.string()).nullable().meta({ description: 'Null: all projects.' }),
    since: TIME.meta({ description: 'When the person was added.' }),
    factors: FACTORS.meta({ description: 'What the person has proven who they are with, in this session.' }),
    factor_at: TIME.meta({ description: 'When they did so last.' }),
    factor_until: TIME.meta({ description: 'Until then, acts that need a factor are allowed.' }),
    has_password: z.boolean().meta({ description: 'Whether POST /session/factor can take a password.' }),
    session: z.object({ id: UUID, expires_at: TIME }),
  })
  .meta({ id: 'PersonWho' })

export const WHOAMI: z.ZodType = z.union([KEY_WHO, PERSON_WHO]).meta({ id: 'WhoAmI' })
