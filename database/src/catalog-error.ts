import { BackupError } from '@telegram-backup/errors'
/**
 * CONFIGURATION: address, password, folder or platform cannot work · CATALOG: the database failed · INVALID:
 * a value was refused · NOT_FOUND: no such row · CONFLICT: the state of the row does not allow it · BUSY: a
 * living process works on it · LEASE_LOST: another process has taken over the work of this run · LAST_BACKUP:
 * it is the last good one · LAST_ADMIN: nobody else could let people in · QUEUE_FULL: too many jobs wait
 * already · FULL: a bucket has reached its limit.
 */
export type CatalogErrorCode =
  | 'CONFIGURATION'
  | 'CATALOG'
  | 'INVALID'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'BUSY'
  | 'LEASE_LOST'
  | 'LAST_BACKUP'
  | 'LAST_ADMIN'
  | 'QUEUE_FULL'
  | 'FULL'

/** Every error of this package. The message never holds a connection string, a user name or a password. */
export class CatalogError extends BackupError<CatalogErrorCode> {
  override readonly name = 'CatalogError'
}

/** The SQLSTATE or system error code of an error, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** No server listens or accepts, or it starts or stops just now: trying again can help. */
export function isServerGone(error: unknown): boolean {
  const code = errorCode(error)
  if (code !== undefined) return GONE.has(code)
  return (
    error instanceof Error &&
    /^Connection terminated|^timeout expired|^Client has encountered a connection error/.test(error.message)
  )
}

const GONE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  '57P01',
  '57P02',
  '57P03',
  // Closed by the server, which found it idle, or its transaction open, for longer than somebody has set.
  '57P05',
  '25P04',
  '53300',
  '08006',
])

/** What to do about a full disk, whichever program met it first. */
export const FULL_DISK_HINT =
  'Free room on the disk of the state folder (or of the server in DATABASE_URL), then try again.'

type Explanation = [code: CatalogErrorCode, message: string, hint: string]

// SQLSTATEs are listed in PostgreSQL's Appendix A. Server messages of connection errors name users and
// databases, so they are replaced here and stay in `cause`.
const EXPLANATIONS: Record<string, Explanation> = {
  ...withCode('CATALOG', {
    '53100': ['The disk of the catalog is full', FULL_DISK_HINT],
    '53300': ['The catalog accepts no more connections', 'Stop other clients, or raise max_connections.'],
    '57014': [
      'The catalog took too long',
      'It is overloaded, or a client holds a lock: see pg_stat_activity.',
    ],
    '55P03': [
      'The catalog is locked by another client',
      'Try again when that one has ended: see pg_stat_activity.',
    ],
    '42P01': ['The catalog lacks a table', 'Apply the migrations first: migrate(database).'],
    EAI_AGAIN: ['The host of the catalog cannot be looked up', 'Check the name server and the network.'],
    ECONNREFUSED: [
      'The catalog refused the connection',
      'Check that PostgreSQL runs at the address in DATABASE_URL.',
    ],
    ETIMEDOUT: ['The catalog did not answer in time', 'Check host, port and firewall.'],
    ENOENT: ['No PostgreSQL listens at the socket', 'Check the socket folder in DATABASE_URL.'],
  }),
  ...withCode('CONFIGURATION', {
    '28P01': ['The catalog refused the password', 'Check user and password in DATABASE_URL.'],
    '28000': [
      'The catalog refused the login',
      'Check the user in DATABASE_URL and the server’s pg_hba.conf.',
    ],
    '3D000': [
      'The database of the catalog does not exist',
      'Create it, or correct the name in DATABASE_URL.',
    ],
    '42501': [
      'The catalog’s user lacks a right',
      'Let the user of DATABASE_URL own schema control_plane, or create it.',
    ],
    '25006': ['The catalog is read-only', 'Let DATABASE_URL lead to the primary server.'],
    ENOTFOUND: ['The host of the catalog is unknown', 'Check the host name in DATABASE_URL.'],
  }),
}

/** The same for a catalog that has worked before: it is being moved, or a standby is about to take over. */
const EXPLANATIONS_OF_ONE_THAT_WAS_GOOD: Record<string, Explanation> = withCode('CATALOG', {
  '25006': [
    'The catalog is read-only for now',
    'Wait until its server is a primary again, or let DATABASE_URL lead to the one that is.',
  ],
  ENOTFOUND: [
    'The host of the catalog is no longer known',
    'Check the name server and the host name in DATABASE_URL.',
  ],
})

function withCode(
  code: CatalogErrorCode,
  explanations: Record<string, [message: string, hint: string]>,
): Record<string, Explanation> {
  const entries = Object.entries(explanations)
  return Object.fromEntries(entries.map(([cause, words]) => [cause, [code, ...words]]))
}

const TOO_LATE: Explanation = [
  'CATALOG',
  'The catalog did not answer in time',
  'Check host, port and firewall; it may be overloaded.',
]
const NO_TLS: Explanation = [
  'CONFIGURATION',
  'The catalog’s server offers no TLS',
  'Set sslmode=disable in DATABASE_URL if that is intended.',
]
const NO_PASSWORD: Explanation = [
  'CONFIGURATION',
  'The catalog needs a password and none was given',
  'Put user and password into DATABASE_URL.',
]

const BY_MESSAGE: [RegExp, Explanation][] = [
  [/timeout expired|timeout exceeded/i, TOO_LATE],
  [/does not support SSL/i, NO_TLS],
  [/SASL|password must be a string/i, NO_PASSWORD],
]

/**
 * The error for a statement without an answer in time; `cause` is the error of the connection that was given
 * up.
 */
export function noAnswer(cause: unknown): CatalogError {
  return new CatalogError('The catalog did not answer in time', {
    code: 'CATALOG',
    hint: 'Check the server and the network. Whether the last statement took effect is unknown: look before repeating it.',
    cause,
  })
}

/**
 * Turns an error of the PostgreSQL client into the one that callers see. For a catalog that has worked
 * before, a fault of its address counts as an outage (CATALOG).
 */
export function toCatalogError(
  error: unknown,
  { wasGood = false }: { wasGood?: boolean } = {},
): CatalogError {
  if (error instanceof CatalogError) return error
  const code = errorCode(error)
  const message = error instanceof Error ? error.message : String(error)
  const known =
    (wasGood && code && EXPLANATIONS_OF_ONE_THAT_WAS_GOOD[code]) ||
    (code && EXPLANATIONS[code]) ||
    BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1]
  if (known) return new CatalogError(known[1], { code: known[0], hint: known[2], cause: error })
  if (isServerGone(error)) {
    return new CatalogError('The connection to the catalog was lost', {
      code: 'CATALOG',
      hint: 'Whether the last statement took effect is unknown: look before repeating it.',
      cause: error,
    })
  }
  if (code?.startsWith('22') || code === '23514')
    return new CatalogError(message, { code: 'INVALID', cause: error })
  if (code?.startsWith('23')) return new CatalogError(message, { code: 'CONFLICT', cause: error })
  return new CatalogError(`The catalog failed: ${message}`, { code: 'CATALOG', cause: error })
}
