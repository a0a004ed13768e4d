import { createHmac, randomBytes } from 'node:crypto'
import { BackupError } from '@telegram-backup/errors'
import type { Configuration, IDToken } from 'openid-client'
import type { OidcSettings } from '#config/oidc-settings.ts'

const ANSWERS_WITHIN_SECONDS = 10

/** Slow to load, and only needed where somebody signs in so. */
const library = () => import('openid-client')

/**
 * Three values that the provider, and nobody else, gives back. Two of them come from a secret that the
 * browser alone keeps: whoever answers from another browser, or reads the catalog, lacks them.
 */
interface Proofs {
  state: string
  nonce: string
  verifier: string
}

export function newSecretOfBrowser(): string {
  return randomBytes(32).toString('base64url')
}

export function proofsOf(state: string, secretOfBrowser: string): Proofs {
  const derive = (use: string): string =>
    createHmac('sha256', secretOfBrowser).update(`${use} ${state}`).digest('base64url')
  return { state, nonce: derive('nonce'), verifier: derive('verifier') }
}

/** A provider, as this service knows it. What it says of itself is read when it is needed first. */
export class OidcClient {
  readonly settings: OidcSettings
  #discovered: Promise<Configuration> | undefined

  constructor(settings: OidcSettings) {
    this.settings = settings
  }

  /**
   * The address at the provider to which the browser is sent.
   * @param isAgain the person is to prove once more who they are, although the provider knows them still
   */
  async addressFor(
    { state, nonce, verifier }: Proofs,
    { redirectUri, isAgain }: { redirectUri: string; isAgain: boolean },
  ): Promise<string> {
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await library()
    const address = buildAuthorizationUrl(await this.#configuration(), {
      ...{ redirect_uri: redirectUri, scope: this.settings.scopes, state, nonce },
      ...{ code_challenge: await calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
      ...(isAgain && { prompt: 'login', max_age: '0' }),
    })
    return address.href
  }

  /** What the provider says of whoever came back; throws what the library finds wrong in any of it. */
  async claimsFor({ state, nonce, verifier }: Proofs, cameBackTo: URL): Promise<IDToken> {
    const { authorizationCodeGrant } = await library()
    const tokens = await authorizationCodeGrant(await this.#configuration(), cameBackTo, {
      ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
    })
    const claims = tokens.claims()
    if (claims === undefined) throw new TypeError('the provider gave no ID token')
    return claims
  }

  /** Throws `UNREACHABLE`. The next call tries again. */
  #configuration(): Promise<Configuration> {
    this.#discovered ??= this.#discover().catch((cause: unknown) => {
      this.#discovered = undefined
      throw new BackupError(`The provider "${this.settings.name}" cannot be used just now`, {
        code: 'UNREACHABLE',
        hint: 'Try again, or sign in another way. An administrator checks issuer below "oidc" in telegram-backup.yaml, and whether this service reaches it.',
        cause,
      })
    })
    return this.#discovered
  }

  async #discover(): Promise<Configuration> {
    const { allowInsecureRequests, ClientSecretBasic, ClientSecretPost, Configuration, ...more } =
      await library()
    const { issuer, client_id: id, client_secret: secret } = this.settings
    // The settings allow it for this machine alone.
    const execute = issuer.startsWith('http:') ? [allowInsecureRequests] : []
    const found = await more.discovery(new URL(issuer), id, secret, undefined, {
      ...{ execute, timeout: ANSWERS_WITHIN_SECONDS },
    })
    const server = found.serverMetadata()
    const ways = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const way = ways.includes('client_secret_basic') ? ClientSecretBasic(secret) : ClientSecretPost(secret)
    const configuration = new Configuration(server, id, { client_secret: secret }, way)
    configuration.timeout = ANSWERS_WITHIN_SECONDS
    for (const step of execute) step(configuration)
    // Also the signature of an ID token that came over TLS is checked.
    more.enableNonRepudiationChecks(configuration)
    return configuration
  }
}
