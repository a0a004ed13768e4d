import { ROLES, type Role } from '@telegram-backup/database'
import { z } from 'zod'

/** One of `http: oidc:` in telegram-backup.yaml: an OpenID Connect provider by which people sign in. */
export interface OidcSettings {
  /** In addresses and in the names of people: `NAME@keycloak`. */
  name: string
  /** For people. */
  title: string
  issuer: string
  client_id: string
  client_secret: string
  /** As the provider takes them: `openid profile groups`. */
  scopes: string
  /** Which values of which claim of the ID token make which role. */
  roles: { claim: string; values: Readonly<Record<string, Role>> }
  /** The only project that people of this provider see; undefined: all. */
  project?: string | undefined
}

/**
 * What Telegram says of its own provider (https://core.telegram.org/bots/telegram-login). `id` is the id of
 * the user, as bots know it.
 */
const PRESETS = {
  telegram: {
    ...{ title: 'Telegram', issuer: 'https://oauth.telegram.org', scopes: 'openid profile', claim: 'id' },
  },
} as const

const NAME = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,15}$/,
    'write 1 to 16 lower-case letters, digits and hyphens, as in "keycloak"',
  )

const ISSUER = z
  .string()
  .refine(
    isIssuer,
    'write the address of the provider with https, as it names itself, as in "https://sso.example/realms/main"',
  )

/** Over the network, only TLS tells one provider from another. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password, search, hash } = new URL(text)
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  if (protocol !== 'https:' && !(protocol === 'http:' && isHere)) return false
  return [username, password, search, hash].every(part => part === '')
}

const TEXT = z.string().min(1, 'write a text that is not empty')

const PROVIDER = z
  .strictObject({
    name: NAME,
    title: z.string().min(1).max(40).optional(),
    preset: z.literal('telegram', 'the only preset is "telegram"').optional(),
    issuer: ISSUER.optional(),
    client_id: z.union([TEXT, z.int()], 'write the id that the provider gives').transform(String),
    client_secret: TEXT,
    scopes: z
      .string()
      .refine(text => text.split(' ').includes('openid'), 'openid must be among the scopes')
      .optional(),
    roles: z.strictObject({
      claim: TEXT.optional(),
      values: z.record(TEXT, z.enum(ROLES as ['viewer', 'operator', 'restorer', 'admin'])),
    }),
    project: TEXT.optional(),
  })
  .superRefine(({ preset, issuer, roles }, context) => {
    if (preset !== undefined) return
    for (const [path, value] of Object.entries({ issuer, 'roles.claim': roles.claim }))
      if (value === undefined) context.addIssue({ code: 'custom', message: `${path} is missing` })
  })
  .transform(({ preset, ...given }): OidcSettings => {
    const known = preset === undefined ? undefined : PRESETS[preset]
    return {
      ...given,
      title: given.title ?? known?.title ?? given.name,
      issuer: given.issuer ?? known?.issuer ?? '',
      scopes: given.scopes ?? known?.scopes ?? 'openid profile',
      roles: { values: given.roles.values, claim: given.roles.claim ?? known?.claim ?? '' },
    }
  })

export const OIDC_SETTINGS_SCHEMA: z.ZodType<readonly OidcSettings[]> = z
  .array(PROVIDER)
  .refine(
    providers => new Set(providers.map(({ name }) => name)).size === providers.length,
    'each provider needs a name of its own',
  )
