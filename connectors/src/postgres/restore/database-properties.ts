import { quoteName, quoteText } from '#postgres/sql-text.ts'

/** What `pg_dump` leaves out without `--create`, by the names in the recorded facts. */
export interface DatabaseProperties {
  encoding: string
  collation: string
  ctype: string
  locale_provider: 'libc' | 'icu' | 'builtin'
  locale: string | null
  icu_rules: string | null
  owner: string
  /** `grantee=privileges/grantor`, as PostgreSQL writes it; null for the default rights. */
  database_acl: string[] | null
  settings: DatabaseSetting[]
  connection_limit: number
  comment: string | null
}

/** By `ALTER DATABASE` or `ALTER ROLE … IN DATABASE`. A null value was a secret. */
interface DatabaseSetting {
  role: string | null
  name: string
  value: string | null
}

/** `CREATE DATABASE` with the locale of another one, in one line. */
export function createStatement(name: string, like: DatabaseProperties | undefined, major: number): string {
  const options = like === undefined ? [] : localeOptions(like, major)
  return `CREATE DATABASE ${quoteName(name)} ${['TEMPLATE template0', ...options].join(' ')};`
}

function localeOptions(like: DatabaseProperties, major: number): string[] {
  const { encoding, collation, ctype, locale_provider: provider, locale, icu_rules: rules } = like
  const options = [
    `ENCODING ${quoteText(encoding)}`,
    `LC_COLLATE ${quoteText(collation)}`,
    `LC_CTYPE ${quoteText(ctype)}`,
  ]
  if (provider === 'icu' && major >= 15 && locale !== null) {
    options.push('LOCALE_PROVIDER icu', `ICU_LOCALE ${quoteText(locale)}`)
    if (rules !== null && major >= 16) options.push(`ICU_RULES ${quoteText(rules)}`)
  }
  if (provider === 'builtin' && major >= 17 && locale !== null)
    options.push('LOCALE_PROVIDER builtin', `BUILTIN_LOCALE ${quoteText(locale)}`)
  if (provider === 'libc' && major >= 15) options.push('LOCALE_PROVIDER libc')
  return options
}

/** Statements of one line. The owner comes last: afterwards we may not be allowed the rest. */
export function propertyStatements(name: string, like: DatabaseProperties | undefined): string[] {
  const database = quoteName(name)
  if (like === undefined) return []
  return [
    ...(like.database_acl === null ? [] : grants(database, like.owner, like.database_acl)),
    ...like.settings.flatMap(setting => settingStatement(database, setting)),
    `ALTER DATABASE ${database} OWNER TO ${quoteName(like.owner)};`,
  ]
}

/** Statements for the end: the limit of connections could keep us out. */
export function lastStatements(name: string, like: DatabaseProperties | undefined): string[] {
  const database = quoteName(name)
  const comment = like === undefined || like.comment === null ? 'NULL' : quoteText(like.comment)
  return [
    `COMMENT ON DATABASE ${database} IS ${comment};`,
    ...(like === undefined
      ? []
      : [`ALTER DATABASE ${database} CONNECTION LIMIT ${Math.trunc(like.connection_limit)};`]),
  ]
}

export function rolesOf(properties: DatabaseProperties): string[] {
  const grantees = (properties.database_acl ?? []).map(item => readGrant(item).grantee)
  const setters = properties.settings.map(setting => setting.role)
  return [properties.owner, ...grantees, ...setters].filter(role => role !== null && role !== '') as string[]
}

/** Letters in the access list of a database; a `*` behind one is the grant option. */
const PRIVILEGES: Readonly<Record<string, string>> = { C: 'CREATE', T: 'TEMPORARY', c: 'CONNECT' }

function grants(database: string, owner: string, acl: readonly string[]): string[] {
  const statements = [
    `REVOKE ALL ON DATABASE ${database} FROM PUBLIC;`,
    // The old owner's rights would pass to the new one: these are removed first.
    ...[...new Set(['CURRENT_USER', quoteName(owner)])].map(
      role => `REVOKE ALL ON DATABASE ${database} FROM ${role};`,
    ),
  ]
  for (const item of acl) {
    const { grantee, privileges } = readGrant(item)
    const to = grantee === '' ? 'PUBLIC' : quoteName(grantee)
    for (const [, letter = '', option] of privileges.matchAll(/([CTc])(\*?)/g)) {
      const ending = option === '*' ? ' WITH GRANT OPTION' : ''
      statements.push(`GRANT ${PRIVILEGES[letter]} ON DATABASE ${database} TO ${to}${ending};`)
    }
  }
  return statements
}

/** Parses `"we""ird"=CT*c/owner`: the grantee, empty for everybody, and the letters. */
/** Such an item, without who granted it. */
export function grantTo(grantee: string, privileges: string): string {
  return `"${grantee.replaceAll('"', '""')}"=${privileges}/`
}

export function readGrant(item: string): { grantee: string; privileges: string } {
  const [, quoted, plain = '', privileges = ''] = /^(?:"((?:[^"]|"")*)"|([^=]*))=([^/]*)/.exec(item) ?? []
  return { grantee: quoted?.replaceAll('""', '"') ?? plain, privileges }
}

function settingStatement(database: string, { role, name, value }: DatabaseSetting): string[] {
  if (value === null) return []
  const parameter = name.split('.').map(quoteName).join('.')
  const whose = role === null ? `DATABASE ${database}` : `ROLE ${quoteName(role)} IN DATABASE ${database}`
  return [`ALTER ${whose} SET ${parameter} TO ${settingValue(name, value)};`]
}

/** Lists of names, stored quoted (GUC_LIST_QUOTE): written as one text they would become one name. */
const LISTS_OF_NAMES: ReadonlySet<string> = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])

function settingValue(name: string, value: string): string {
  if (!LISTS_OF_NAMES.has(name.toLowerCase())) return quoteText(value)
  const names = [...value.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)]
  if (names.length === 0) return "''"
  return names.map(([, quoted, plain = '']) => quoteText(quoted?.replaceAll('""', '"') ?? plain)).join(', ')
}
