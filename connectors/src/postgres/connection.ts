import { BackupError, HIDDEN } from '@telegram-backup/errors'
import { bareEnvironment, type Environment } from '#programs/environment.ts'
import type { RestoreTarget } from '#restoring.ts'

export interface PostgresConnection {
  /** A libpq URI without the password, fit for an argument list. */
  uri: string
  /** The whole environment of a client program, with the password if there is one. */
  environment: Record<string, string>
  /** Undefined where libpq's default counts. */
  database: string | undefined
  /** As in the URL; several hosts are possible. Empty for the default, a folder for a Unix socket. */
  host: string
  /** For people: `user@host:port/database`. */
  display: string
}

export interface PostgresTarget extends RestoreTarget {
  kind: 'postgres'
  connection: PostgresConnection
}

/**
 * What PostgreSQL's programs see of our environment: libpq's variables, and no other secret. A dump keeps its
 * database's encoding; messages are in English, since a program reads them.
 */
export function libpqEnvironment(environment: Environment = process.env): Record<string, string> {
  const own = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[0].startsWith('PG') && entry[1] !== undefined,
  )
  const { PGCLIENTENCODING: _, ...libpq } = Object.fromEntries(own)
  return {
    PGCONNECT_TIMEOUT: '20',
    PGAPPNAME: 'telegram-backup',
    ...libpq,
    ...bareEnvironment(environment),
    LC_ALL: 'C',
  }
}

const URL_FORM = /^(postgres(?:ql)?):\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^?#/]*))?(?:\?([^#]*))?$/

/**
 * Parses a connection URL as libpq does: several hosts, Unix sockets, parameters. The password goes into the
 * environment. The caller's `PG…` variables and `~/.pgpass` count as for `psql`. Throws `USAGE`, without
 * repeating the URL.
 */
export function parsePostgresUrl(url: string): PostgresConnection {
  const [, scheme, userInfo = '', authority = '', path = '', query = ''] = URL_FORM.exec(url) ?? []
  if (scheme === undefined || isCutShort({ userInfo, authority, path, query })) {
    throw new BackupError('The database URL is malformed', {
      code: 'USAGE',
      hint: 'Write postgresql://USER@HOST:PORT/DATABASE, with %40 for an @, %2F for a / and %3F for a ? in a name or password.',
    })
  }
  const [user = '', ...passwordPieces] = userInfo.split(':')
  const parameters = query === '' ? [] : query.split('&').map(readParameter)
  const password = lastOf(parameters, 'password') ?? decode(passwordPieces.join(':'))
  if (lastOf(parameters, 'sslpassword') !== undefined) {
    throw new BackupError('The database URL holds sslpassword, which would be visible in the process list', {
      code: 'USAGE',
      hint: 'Put it into ~/.pg_service.conf and name the service: postgresql:///?service=NAME',
    })
  }
  const database = lastOf(parameters, 'dbname') ?? (decode(path) || undefined)
  return describe({
    scheme,
    user,
    authority,
    database,
    parameters: parameters.filter(({ name }) => !SEPARATE.has(name)),
    environment: { ...libpqEnvironment(), ...(password ? { PGPASSWORD: password } : {}) },
  })
}

/** Hides the password in a text, unless it is also the name of the user, database or host. */
export function withoutPassword(text: string, { environment, display }: PostgresConnection): string {
  const password = environment['PGPASSWORD'] ?? ''
  if (password === '' || display.split(/[@:/]/).includes(password)) return text
  return [password, encodeURIComponent(password)].reduce(
    (rest, form) => rest.replace(asWord(form), () => HIDDEN),
    text,
  )
}

/**
 * Matches a name by itself or as a part of a longer one: `shop` in `shop_restoring_1f`, not in `workshop`.
 */
export function asWord(text: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${RegExp.escape(text)}(?![\\p{L}\\p{N}])`, 'gu')
}

/**
 * Whether a "/" or "?" in the password has cut the URL: then the port is no number, or an "@" is in the
 * database or a parameter. Pieces of such a password would appear in messages and argument lists.
 */
function isCutShort({
  userInfo,
  authority,
  path,
  query,
}: Record<'userInfo' | 'authority' | 'path' | 'query', string>): boolean {
  const hasOddPort = authority.split(',').some(host => !/^(?:\[[^\]]*\]|[^:]*)(?::\d*)?$/.test(host))
  const hasOddName = query.split('&').some(parameter => !/^[a-z_]*(?:=|$)/i.test(parameter))
  return hasOddPort || (userInfo === '' && (path.includes('@') || (query.includes('@') && hasOddName)))
}

export function atDatabase(connection: PostgresConnection, database: string): PostgresConnection {
  const [, scheme = 'postgresql', user = '', authority = '', , query = ''] =
    URL_FORM.exec(connection.uri) ?? []
  return describe({
    scheme,
    user,
    authority,
    database,
    parameters: query === '' ? [] : query.split('&').map(readParameter),
    environment: connection.environment,
  })
}

/** The URL of another database of the same server, with the same password. Throws `USAGE`. */
export function urlAtDatabase(url: string, database: string): string {
  parsePostgresUrl(url)
  const [, scheme, userInfo, authority = '', , query = ''] = URL_FORM.exec(url) ?? []
  const parameters = query.split('&').filter(pair => pair !== '' && readParameter(pair).name !== 'dbname')
  const user = userInfo === undefined ? '' : `${userInfo}@`
  const rest = parameters.length === 0 ? '' : `?${parameters.join('&')}`
  return `${scheme}://${user}${authority}/${encodeURIComponent(database)}${rest}`
}

/** Not kept in the URI: a secret, and the name that the path gives. */
const SEPARATE: ReadonlySet<string> = new Set(['password', 'dbname'])

interface Parameter {
  name: string
  value: string
}

/** libpq takes the last of several. */
function lastOf(parameters: readonly Parameter[], name: string): string | undefined {
  return parameters.findLast(parameter => parameter.name === name)?.value
}

function readParameter(pair: string): Parameter {
  const [name = '', ...value] = pair.split('=')
  return { name: decode(name), value: decode(value.join('=')) }
}

function describe(pieces: {
  scheme: string
  user: string
  authority: string
  database: string | undefined
  parameters: readonly Parameter[]
  environment: Record<string, string>
}): PostgresConnection {
  const { scheme, user, authority, database, parameters, environment } = pieces
  const query = parameters
    .map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
  const host = decode(authority) || lastOf(parameters, 'host') || environment['PGHOST'] || ''
  const name = database ?? environment['PGDATABASE']
  const who = decode(user) || lastOf(parameters, 'user')
  return {
    uri:
      `${scheme}://${user === '' ? '' : `${user}@`}${authority}/` +
      `${database === undefined ? '' : encodeURIComponent(database)}${query === '' ? '' : `?${query}`}`,
    environment,
    database: name,
    host: host.replace(/:\d+$/, ''),
    display: `${who ? `${who}@` : ''}${host || 'local'}/${name ?? ''}`,
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new BackupError('The database URL holds a "%" that is not followed by two hex digits', {
      code: 'USAGE',
      hint: 'Write %25 for a "%" in a name or password.',
    })
  }
}
