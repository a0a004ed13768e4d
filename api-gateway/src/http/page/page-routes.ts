import { BackupError } from '@telegram-backup/errors'
import type { Express, Request, RequestHandler, Response } from 'express'
import type { BrowserGuards } from '#http/browser-guards.ts'
import { isSignedOut } from '#http/credentials.ts'
import type { BuiltPage, PageDocument, PageFile } from '#http/page/page-files.ts'
import { note } from '#http/request-context.ts'

/** What the page may load and where it may send, for a browser: its own files and this server alone. */
function policyOf(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'self'",
  ].join('; ')
}

/** What a page that shows backups has no use for. */
const NO_FEATURES = [
  'accelerometer',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'usb',
]
const PERMISSIONS = NO_FEATURES.map(feature => `${feature}=()`).join(', ')

const A_YEAR_SECONDS = 365 * 24 * 3_600
const AN_HOUR_SECONDS = 3_600

/**
 * Serves the page at `/`, and at every path that a browser opens and that is none of the API: the page has
 * its own addresses, and its own words for one that leads nowhere. To be called after all other routes.
 * @param page undefined if it has not been built
 */
export function addPage(
  app: Express,
  page: BuiltPage | undefined,
  { assertOwnHost }: Pick<BrowserGuards, 'assertOwnHost'>,
): void {
  for (const [path, file] of page?.files ?? []) only(app, path, sendFile(path, file))
  const document: RequestHandler = (request, response) => {
    note(response, { route: '/' })
    assertOwnHost(request)
    // Different for a browser and for a program that asks for the same path.
    response.vary('Accept')
    if (page === undefined) sendNotBuilt(response)
    else sendDocument(response, page.documentAt(request.path, isSignedOut(request)))
  }
  only(app, '/', document)
  app.use((request, response, next) => {
    if (isOpenedByBrowser(request)) document(request, response, next)
    else next()
  })
}

/** GET and HEAD alone; 405 for other methods. */
function only(app: Express, path: string, handler: RequestHandler): void {
  app.get(path, handler)
  app.all(path, (request, response) => {
    response.set('Allow', 'GET, HEAD')
    throw new BackupError(`${request.method} is not allowed for this path`, {
      code: 'METHOD_NOT_ALLOWED',
      hint: 'Use GET or HEAD.',
    })
  })
}

/**
 * Browsers name the type when they open an address; programs, and browsers that load a script or an image,
 * do not. An address with an empty step is no address of the page.
 */
function isOpenedByBrowser({ method, path, headers }: Request): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false
  if (/^\/(?:api|assets)(?:\/|$)/.test(path) || path.includes('//')) return false
  return /(?:^|,)\s*text\/html\b/i.test(headers.accept ?? '')
}

function sendDocument(response: Response, { html, nonce }: PageDocument): void {
  response
    .set({
      'Content-Security-Policy': policyOf(nonce),
      'X-Frame-Options': 'DENY',
      'Permissions-Policy': PERMISSIONS,
    })
    .type('html')
    .send(html)
}

function sendNotBuilt(response: Response): void {
  response
    .status(503)
    .type('text/plain')
    .send(
      'The page has not been built. Run "npm run build:page", then start serve again.\nThe HTTP API works without it: see /docs.\n',
    )
}

function sendFile(path: string, file: PageFile): RequestHandler {
  const caching = file.isHashed
    ? `public, max-age=${A_YEAR_SECONDS}, immutable`
    : `public, max-age=${AN_HOUR_SECONDS}`
  return async (request, response) => {
    note(response, { route: file.isHashed ? '/assets' : path })
    const gzipped = request.acceptsEncodings('gzip') === 'gzip' ? await file.gzipped() : undefined
    response.vary('Accept-Encoding').set({ 'Cache-Control': caching, 'Content-Type': file.contentType })
    if (gzipped !== undefined) response.set('Content-Encoding', 'gzip')
    response.send(gzipped ?? file.bytes)
  }
}
