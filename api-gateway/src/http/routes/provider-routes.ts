import { beginAtProvider } from '@telegram-backup/engine/operations/oidc.ts'
import { BackupError } from '@telegram-backup/errors'
import type { Request } from 'express'
import { z } from 'zod'
import { ownOrigin } from '#http/browser-guards.ts'
import { setProviderCookie } from '#http/credentials.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { openRoute, type Route } from '#http/routes/route.ts'
import { assertFromPage, type SignInParts } from '#http/routes/session-routes.ts'

/** OpenID Connect providers. Coming back from one is `POST /session`. */
export function providerRoutes(ports: HttpPorts, parts: SignInParts): Route[] {
  return [list(ports, parts), begin(ports, parts)]
}

const PROVIDER_LIST = z
  .object({
    items: z.array(z.object({ name: z.string(), title: z.string().meta({ description: 'For people.' }) })),
  })
  .meta({ id: 'ProviderList' })

const list = ({ providers = new Map() }: HttpPorts, { guards }: SignInParts): Route =>
  openRoute(
    {
      method: 'get',
      path: '/session/providers',
      name: 'listProviders',
      summary: 'The OpenID Connect providers by which people can sign in',
      answers: { 200: { description: 'As in the configuration', schema: PROVIDER_LIST } },
    },
    request => guards.assertOwnHost(request),
    async () => ({
      status: 200,
      body: { items: [...providers.values()].map(({ settings: { name, title } }) => ({ name, title })) },
    }),
  )

const BEGIN_AT_PROVIDER = z.strictObject({
  provider: z.string().min(1).max(32),
  redirect_uri: z
    .string()
    .max(2_000)
    .meta({ description: 'The page /sign-in/PROVIDER of this service, as the browser sees its address.' }),
  again: z
    .boolean()
    .default(false)
    .meta({ description: 'The provider is to ask who it is, although it knows the person still.' }),
})

const begin = ({ database, providers = new Map(), settings }: HttpPorts, parts: SignInParts): Route =>
  openRoute(
    {
      method: 'post',
      path: '/session/provider',
      name: 'beginAtProvider',
      summary: 'Begin to sign in at a provider: once, within five minutes; the answer sets a cookie',
      body: BEGIN_AT_PROVIDER,
      answers: {
        200: {
          description: 'Where the browser goes',
          schema: z.object({ url: z.string() }),
          headers: { 'Set-Cookie': 'For this browser alone, until it comes back' },
        },
      },
      problems: [404, 409],
    },
    request => assertFromPage(parts.guards, request),
    async ({ body: { provider, redirect_uri: redirectUri, again: isAgain }, request, response }) => {
      assertOwnPage(request, { provider, redirectUri, publicUrl: settings.public_url })
      await parts.limits.ask(request, response)
      const begun = await beginAtProvider(database, providers, { provider, redirectUri, isAgain })
      setProviderCookie(request, response, begun.secret)
      return { status: 200, body: { url: begun.url } }
    },
  )

/**
 * The provider checks the address, too. Each provider has one of its own, so that the answer of one is never
 * taken for that of another.
 */
function assertOwnPage(
  request: Request,
  of: { provider: string; redirectUri: string; publicUrl: string | undefined },
): void {
  const { provider, redirectUri, publicUrl } = of
  const address = URL.canParse(redirectUri) ? new URL(redirectUri) : undefined
  const origins = [ownOrigin(request), publicUrl && new URL(publicUrl).origin]
  const isOwn =
    address !== undefined &&
    origins.includes(address.origin) &&
    address.pathname.endsWith(`/sign-in/${provider}`) &&
    [address.search, address.hash, address.username, address.password].every(part => part === '')
  if (isOwn) return
  throw new BackupError('This is not the page of this service to which a provider sends people back', {
    code: 'INVALID',
    hint: 'Begin on the page to sign in. A proxy in front has to pass on the host (X-Forwarded-Host).',
  })
}
