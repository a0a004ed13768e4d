import { BackupError } from '@telegram-backup/errors'
import type { Request, RequestHandler, Response } from 'express'

/** As long as a session lasts at the most. */
const COOKIE_LIVES_MS = 7 * 86_400_000

/** The key in the header `Authorization`; undefined if it is not a Bearer token. */
export function bearerKeyOf(request: Request): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,200}) *$/i.exec(request.get('Authorization') ?? '')?.[1]
}

/** With the prefix, a browser takes the cookie over TLS alone, and from this very host alone. */
function cookieName({ secure }: Request): string {
  return secure ? '__Host-tb_session' : 'tb_session'
}

/**
 * What the cookie of a session holds, whatever that is; undefined without one. Throws `INVALID` for two that
 * differ: another program on the same host may have planted one.
 */
export function sessionCookieOf(request: Request): string | undefined {
  return cookieNamed(request, cookieName(request))
}

function cookieNamed(request: Request, name: string): string | undefined {
  const cookies = (request.get('Cookie') ?? '').split(';').map(pair => pair.trim())
  const values = cookies.filter(pair => pair.startsWith(`${name}=`)).map(pair => pair.slice(name.length + 1))
  if (new Set(values).size > 1) {
    throw new BackupError('The request has two cookies for a session', {
      code: 'INVALID',
      hint: 'Delete the cookies of this address in the browser, and sign in again.',
    })
  }
  return values[0]
}

/**
 * Whether the browser has certainly no session, as far as its request for the page tells. After a link on
 * another site, it holds back a cookie that it has.
 */
export function isSignedOut(request: Request): boolean {
  const isOwnAct = ['none', 'same-origin'].includes(request.get('Sec-Fetch-Site') ?? '')
  const hasCookie = (request.get('Cookie') ?? '').includes(`${cookieName(request)}=`)
  return isOwnAct && !hasCookie && bearerKeyOf(request) === undefined
}

/** `SameSite=Strict`: the page itself needs no cookie, and its own requests have it. */
export function setSessionCookie(request: Request, response: Response, secret: string): void {
  response.cookie(cookieName(request), secret, { ...attributesOf(request), maxAge: COOKIE_LIVES_MS })
}

export function clearSessionCookie(request: Request, response: Response): void {
  response.clearCookie(cookieName(request), attributesOf(request))
}

/** How long somebody may take to sign in at a provider. */
const PROVIDER_WITHIN_MS = 300_000

/** What only the browser has that was sent to a provider. It comes back with the page’s own request. */
export function setProviderCookie(request: Request, response: Response, secret: string): void {
  response.cookie(providerCookieName(request), secret, {
    ...{ ...attributesOf(request), maxAge: PROVIDER_WITHIN_MS },
  })
}

export function clearProviderCookie(request: Request, response: Response): void {
  response.clearCookie(providerCookieName(request), attributesOf(request))
}

export function providerCookieOf(request: Request): string | undefined {
  return cookieNamed(request, providerCookieName(request))
}

function providerCookieName({ secure }: Request): string {
  return secure ? '__Host-tb_provider' : 'tb_provider'
}

function attributesOf({ secure }: Request) {
  return { httpOnly: true, secure, sameSite: 'strict', path: '/' } as const
}

/**
 * Throws `INVALID` for a request with a session and a key: which of them counts would be a guess. Also what
 * is only meant for a key is taken for one.
 */
export const refuseTwoCredentials: RequestHandler = (request, _response, next) => {
  const hasKey = /^\s*Bearer\s+tbk_/i.test(request.get('Authorization') ?? '')
  if (!hasKey || sessionCookieOf(request) === undefined) return next()
  throw new BackupError('The request has a session and an API key', {
    code: 'INVALID',
    hint: 'Send one of them: the cookie, or the header Authorization.',
  })
}
