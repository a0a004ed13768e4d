import { createHash, randomBytes } from 'node:crypto'
import {
  type BrowserFacts,
  type Database,
  keepChallenge,
  type NewSession,
  noteRefusedSignIn,
  ROLES,
  type Role,
  signInByIdentity,
  useChallenge,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { IDToken } from 'openid-client'
import { newSecretOfBrowser, OidcClient, proofsOf } from '#access/oidc-client.ts'
import type { OidcSettings } from '#config/oidc-settings.ts'

/** The providers by which people can sign in, by their names. */
export type OidcProviders = ReadonlyMap<string, OidcClient>

export function openProviders(settings: readonly OidcSettings[]): OidcProviders {
  return new Map(settings.map(one => [one.name, new OidcClient(one)]))
}

/**
 * Begins to sign in at a provider: the address to which the browser goes, and a secret that it keeps until it
 * comes back. Throws `NOT_FOUND`, `UNREACHABLE`, `BUSY`.
 * @param of.redirectUri where the provider sends the browser back to: a page of ours
 */
export async function beginAtProvider(
  database: Database,
  providers: OidcProviders,
  of: { provider: string; redirectUri: string; isAgain: boolean },
): Promise<{ url: string; secret: string }> {
  const client = providerNamed(providers, of.provider)
  const secret = newSecretOfBrowser()
  const state = randomBytes(32).toString('base64url')
  const url = await client.addressFor(proofsOf(state, secret), of)
  await keepChallenge(database, {
    ...{ challenge: state, kind: 'oidc' },
    details: { provider: of.provider, redirect_uri: of.redirectUri, browser: digest(secret) },
  })
  return { url, secret }
}

/** With what the browser has come back from a provider. */
export interface ProviderAnswer {
  provider: string
  /** What stands behind `?` in the address. */
  query: string
  /** What `beginAtProvider` has given this browser; undefined if it has none. */
  secret: string | undefined
}

/**
 * Signs in whoever has come back from a provider. Throws `UNAUTHENTICATED` for an answer that is not right in
 * every way, `FORBIDDEN` for somebody without a role, or who was removed.
 * @param refused whether a refusal gets its line in the audit
 * @param onFault gets what was wrong with an answer, for the log
 */
export async function signInFromProvider(
  database: Database,
  providers: OidcProviders,
  of: ProviderAnswer & {
    browser: BrowserFacts
    refused: () => Promise<boolean>
    onFault: (error: unknown) => void
  },
): Promise<NewSession> {
  const client = providerNamed(providers, of.provider)
  const claims = await provenClaims(database, client, of).catch((error: unknown) => {
    if (error instanceof BackupError) throw error
    of.onFault(error)
    return undefined
  })
  if (claims === undefined) {
    if (await of.refused())
      await noteRefusedSignIn(database, { person: undefined, address: of.browser.address ?? 'unknown' })
    throw new BackupError(`The answer of ${client.settings.title} was not accepted`, {
      code: 'UNAUTHENTICATED',
      hint: 'Begin again on the page to sign in, in the same browser, and finish within five minutes.',
    })
  }
  const { name: provider, title, project: projectId = null, roles } = client.settings
  const verdict = await signInByIdentity(
    database,
    {
      ...{ provider, projectId, issuer: claims.iss, subject: claims.sub, role: roleOf(claims, roles) },
      username: textOf(claims['preferred_username']) ?? textOf(claims['name']),
      provedAt: timeOf(claims.auth_time),
    },
    { ...of.browser, refused: of.refused },
  )
  if (verdict.is === 'in') return verdict.session
  throw new BackupError(
    verdict.is === 'removed'
      ? 'You were removed here, and cannot sign in any longer'
      : `Your account at ${title} has no role here`,
    {
      code: 'FORBIDDEN',
      hint:
        verdict.is === 'removed'
          ? 'Ask an administrator, who can add you as a new person.'
          : 'Ask an administrator for one: groups and roles stand below "oidc" in telegram-backup.yaml.',
    },
  )
}

function providerNamed(providers: OidcProviders, name: string): OidcClient {
  const client = providers.get(name)
  if (client !== undefined) return client
  throw new BackupError('There is no such provider', {
    code: 'NOT_FOUND',
    hint: 'Providers stand below "oidc" in telegram-backup.yaml; changes take effect when serve starts again.',
  })
}

/** Undefined for an answer to nothing that this browser has asked this provider. */
async function provenClaims(
  database: Database,
  client: OidcClient,
  { query, secret }: ProviderAnswer,
): Promise<IDToken | undefined> {
  const [state, ...others] = new URLSearchParams(query).getAll('state')
  if (state === undefined || others.length > 0 || secret === undefined) return undefined
  const asked = await useChallenge(database, { challenge: state, kind: 'oidc' })
  const { provider, redirect_uri: redirectUri, browser } = asked ?? {}
  if (provider !== client.settings.name || browser !== digest(secret)) return undefined
  const cameBackTo = new URL(String(redirectUri))
  cameBackTo.search = query
  return await client.claimsFor(proofsOf(state, secret), cameBackTo)
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** The highest role that a claim gives; null for none. */
function roleOf(claims: IDToken, { claim, values }: OidcSettings['roles']): Role | null {
  // Anybody can say that an address is theirs.
  if (claim === 'email' && claims['email_verified'] !== true) return null
  const found = [claimNamed(claims, claim)].flat()
  const given = found.filter(one => typeof one === 'string' || typeof one === 'number').map(String)
  const roles = given.map(one => (Object.hasOwn(values, one) ? values[one] : undefined))
  return ROLES.findLast(role => roles.includes(role)) ?? null
}

/** Some providers nest claims, `realm_access.roles`; others have dots in names. */
function claimNamed(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  const [first = '', ...rest] = name.split('.')
  const below = Object.hasOwn(claims, first) ? claims[first] : undefined
  if (rest.length === 0 || typeof below !== 'object' || below === null) return undefined
  return claimNamed(below as Record<string, unknown>, rest.join('.'))
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' ? claim : undefined
}

/** Seconds since 1970; never later than now. */
function timeOf(claim: unknown): Date | undefined {
  return typeof claim === 'number' ? new Date(Math.min(Date.now(), claim * 1_000)) : undefined
}
