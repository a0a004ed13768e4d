import { isIP } from 'node:net'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import type { PasskeySite } from '@telegram-backup/engine/operations/passkeys.ts'
import { BackupError } from '@telegram-backup/errors'
import type { Request } from 'express'
import { hasProxyHeader, isLoopbackName } from '#http/metrics-access.ts'

/**
 * What a browser must not be made to do. Programs with keys are not concerned: nobody can make them send
 * their key.
 */
export interface BrowserGuards {
  /**
   * Throws `WRONG_HOST` for a name that is not known to be ours. A web page can give its own name the address
   * of this service (DNS rebinding); it would then count as the same origin. Literal addresses cannot be used
   * so.
   */
  assertOwnHost(request: Request): void
  /** Throws `FORBIDDEN` for a request that another site made the browser send. */
  assertSameOrigin(request: Request): void
  /** Throws `TLS_NEEDED` if what the browser sends may cross a network in clear text. */
  assertPrivateWay(request: Request): void
}

export function openBrowserGuards({ hosts, public_url }: HttpSettings): BrowserGuards {
  const own = new Set(hosts.map(plainHost))
  if (public_url !== undefined) own.add(plainHost(new URL(public_url).hostname))
  return {
    assertOwnHost: request => {
      const origin = ownOrigin(request)
      const host = origin === undefined ? '' : plainHost(new URL(origin).hostname)
      if (isLoopbackName(host) || isIP(host) !== 0 || own.has(host)) return
      throw new BackupError('The service does not know itself by this host name', {
        code: 'WRONG_HOST',
        hint: 'If the name is right, add it to hosts below "http:" in telegram-backup.yaml, and start serve again.',
      })
    },
    assertSameOrigin,
    assertPrivateWay,
  }
}

/** Without the brackets of an IPv6 address, and the dot at the end of a name. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$|\.$/g, '')
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

function assertSameOrigin(request: Request): void {
  const isUnsafe = !SAFE_METHODS.has(request.method)
  const site = request.get('Sec-Fetch-Site')
  const origin = request.get('Origin')
  // Old browsers, and all on plain HTTP, do not say the site.
  if (site === undefined) {
    if (origin === undefined ? !isUnsafe : isOwnOrigin(request, origin)) return
  } else if (site === 'same-origin' || (site === 'none' && !isUnsafe)) return
  throw new BackupError('The request does not come from the page of this service', {
    code: 'FORBIDDEN',
    hint: 'Programs send an API key. A browser says with Sec-Fetch-Site or Origin where a request comes from.',
  })
}

function isOwnOrigin(request: Request, origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).origin === ownOrigin(request)
}

/** What the browser calls this service; undefined for a request with a `Host` that is no host. */
export function ownOrigin({ protocol, host }: Request): string | undefined {
  const own = `${protocol}://${host}`
  // Of `localhost:80@other.example`, some readers take the first name for the host, and some the last.
  return /[/?#@\\]/.test(host) || !URL.canParse(own) ? undefined : new URL(own).origin
}

/** Where passkeys of the page work. Throws `INVALID` for an address for which browsers make none. */
export function passkeySiteOf(request: Request): PasskeySite {
  const rpId = plainHost(request.hostname ?? '')
  const origin = ownOrigin(request)
  if (isIP(rpId) === 0 && origin !== undefined) return { rpId, origin }
  throw new BackupError('Browsers offer no passkeys at a literal address', {
    code: 'INVALID',
    hint: 'Open the page by a name: on the machine itself, http://localhost with the same port.',
  })
}

function assertPrivateWay(request: Request): void {
  if (request.secure) return
  const origin = request.get('Origin')
  const isHere =
    isLoopbackName(request.hostname ?? '') &&
    !hasProxyHeader(request) &&
    (origin === undefined || isLocal(origin))
  if (isHere) return
  throw new BackupError('Signing in this way could send secrets across the network in clear text', {
    code: 'TLS_NEEDED',
    hint: 'Use https: give serve a certificate (certificate and certificate_key below "http:"), or name the proxy with TLS in front of it (trust_proxy), which has to set X-Forwarded-Proto. On the machine itself, http://localhost works.',
  })
}

/** Also behind a proxy that tells nothing of itself, the browser says what it has asked. */
function isLocal(origin: string): boolean {
  return URL.canParse(origin) && isLoopbackName(new URL(origin).hostname)
}
