import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'

/** A small OpenID Connect provider, at which everybody is who `account` says. */
export interface TestProvider {
  issuer: string
  clientId: string
  clientSecret: string
  /** What the next ID tokens say; `sub` at least. */
  account: JWTPayload
  /** What is wrong with the next ID tokens. */
  flaw: Flaw | undefined
  /** The scopes and parameters of each visit. */
  visits: URLSearchParams[]
  close(): void
}

export type Flaw =
  | 'another nonce'
  | 'another audience'
  | 'another issuer'
  | 'another key'
  | 'expired'
  | 'no signature'
  | 'no nonce'
  | 'the secret of the client as its key'
  | 'the public key as its secret'

/** @param hidesIssuer does not say in its answers who it is (RFC 9207) */
export async function startProvider({
  hidesIssuer = false,
}: {
  hidesIssuer?: boolean
} = {}): Promise<TestProvider> {
  const own = await generateKeyPair('RS256')
  const other = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  const publicPem = await exportSPKI(own.publicKey)
  const codes = new Map<string, URLSearchParams>()
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider: TestProvider = {
    ...{ issuer, clientId: 'telegram-backup', clientSecret: 'the secret of the client' },
    ...{ account: { sub: 'one' }, flaw: undefined, visits: [] },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }

  const idToken = async (asked: URLSearchParams): Promise<string> => {
    const { flaw, account, clientId, clientSecret } = provider
    const seconds = Math.floor(Date.now() / 1_000) - (flaw === 'expired' ? 7_200 : 0)
    const nonce = flaw === 'another nonce' ? 'another' : asked.get('nonce')
    const claims = {
      ...{ ...account, iss: flaw === 'another issuer' ? 'https://another.example' : issuer },
      ...{ aud: flaw === 'another audience' ? 'another' : clientId, iat: seconds, exp: seconds + 3_600 },
      ...(flaw !== 'no nonce' && { nonce }),
    }
    if (flaw === 'no signature') return new UnsecuredJWT(claims).encode()
    // Whoever reads the file of settings, or the public key, must not be able to sign.
    const secrets: Partial<Record<Flaw, string>> = {
      'the secret of the client as its key': clientSecret,
      'the public key as its secret': publicPem,
    }
    const secret = flaw === undefined ? undefined : secrets[flaw]
    if (secret !== undefined) {
      const header = { alg: 'HS256', kid: 'one' }
      return await new SignJWT(claims).setProtectedHeader(header).sign(Buffer.from(secret))
    }
    const { privateKey } = flaw === 'another key' ? other : own
    return await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey)
  }

  /** A code works once, for who has begun (PKCE), and for the client that knows the secret. */
  const exchange = async (request: IncomingMessage): Promise<[status: number, body: object]> => {
    const given = new URLSearchParams(await textOf(request))
    const asked = codes.get(given.get('code') ?? '')
    codes.delete(given.get('code') ?? '')
    const { clientId, clientSecret } = provider
    const isClient = basicOf(request).join(' ') === `${clientId} ${clientSecret}`
    const challenge = createHash('sha256')
      .update(given.get('code_verifier') ?? '')
      .digest('base64url')
    const isRight =
      asked?.get('code_challenge') === challenge && asked.get('redirect_uri') === given.get('redirect_uri')
    if (!isClient) return [401, { error: 'invalid_client' }]
    if (!isRight || asked === undefined) return [400, { error: 'invalid_grant' }]
    return [200, { access_token: 'unused', token_type: 'Bearer', id_token: await idToken(asked) }]
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '', issuer)
    const send = (status: number, body: object): void =>
      void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (pathname === '/.well-known/openid-configuration') {
      send(200, {
        ...{ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` },
        ...{ jwks_uri: `${issuer}/jwks`, response_types_supported: ['code'] },
        ...{ subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'] },
        ...{ authorization_response_iss_parameter_supported: !hidesIssuer },
      })
    } else if (pathname === '/jwks') send(200, { keys: [jwk] })
    else if (pathname === '/token') send(...(await exchange(request)))
    else if (pathname === '/auth') {
      provider.visits.push(searchParams)
      const code = randomBytes(16).toString('hex')
      codes.set(code, searchParams)
      const back = new URL(searchParams.get('redirect_uri') ?? '')
      back.searchParams.set('code', code)
      back.searchParams.set('state', searchParams.get('state') ?? '')
      if (!hidesIssuer) back.searchParams.set('iss', issuer)
      response.writeHead(302, { Location: back.href }).end()
    } else send(404, {})
  }
  return provider
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Name and secret, each encoded as in a form (RFC 6749, 2.3.1). */
function basicOf({ headers }: IncomingMessage): string[] {
  const text = Buffer.from((headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString()
  return text.split(':').map(part => decodeURIComponent(part.replaceAll('+', ' ')))
}
