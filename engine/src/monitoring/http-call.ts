import { BackupError } from '@telegram-backup/errors'

const TIME_LIMIT_MS = 10_000

/**
 * Calls a URL of the configuration file. Follows no redirect, which could lead anywhere, and does not read
 * the body of the answer. Throws `UNREACHABLE` without an answer in time and for 5xx, 429 and 408, `REFUSED`
 * for anything else that is not 2xx; never with the URL, which may be a secret.
 * @param body sent as JSON by POST, its `id` also as `Idempotency-Key`; without a body, the call is a GET
 */
export async function callUrl(
  url: URL,
  {
    body,
    signal,
    timeLimitMs = TIME_LIMIT_MS,
  }: { body?: { id: string }; signal?: AbortSignal; timeLimitMs?: number } = {},
): Promise<void> {
  const limit = AbortSignal.timeout(timeLimitMs)
  const { address, authorization } = splitUserInfo(url)
  const response = await fetch(address, {
    method: body === undefined ? 'GET' : 'POST',
    redirect: 'manual',
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
    headers: {
      'user-agent': 'telegram-backup',
      ...(body && { 'content-type': 'application/json', 'idempotency-key': body.id }),
      ...(authorization && { authorization }),
    },
    ...(body && { body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    throw new BackupError(`${url.host} did not answer${reasonOf(cause)}`, { code: 'UNREACHABLE', cause })
  })
  await response.body?.cancel().catch(() => {})
  if (response.ok) return
  const { status } = response
  const isRedirect = status >= 300 && status < 400
  throw new BackupError(`${url.host} answered with ${status}`, {
    code: status >= 500 || status === 429 || status === 408 ? 'UNREACHABLE' : 'REFUSED',
    hint: isRedirect ? 'Redirects are not followed: write the address that it leads to.' : undefined,
  })
}

/** `fetch` refuses a URL with user and password. */
function splitUserInfo(url: URL): { address: URL; authorization: string | undefined } {
  if (url.username === '' && url.password === '') return { address: url, authorization: undefined }
  const address = new URL(url)
  address.username = ''
  address.password = ''
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return { address, authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** The code of the system, such as ECONNREFUSED. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if (error.name === 'TimeoutError') return ' in time'
  const code = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined
  return typeof code === 'string' && /^[A-Z_0-9]{1,40}$/.test(code) ? ` (${code})` : ''
}
