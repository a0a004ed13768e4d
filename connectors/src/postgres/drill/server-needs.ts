import { BackupError, describeError, type Hint, hint, option } from '@telegram-backup/errors'
import type { DrillPlace } from '#drilling.ts'
import { atDatabase, type PostgresConnection, type PostgresTarget } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'

/** What a server must have for a restore, by the record of a backup, that a dump does not bring. */
export interface ServerNeeds {
  /** Of the server that was dumped; undefined in older records. */
  major: number | undefined
  extensions: Array<{ name: string; version: string | undefined }>
  /** Of C functions that belong to no extension. */
  libraries: Array<{ library: string; function: string }>
}

interface ServerHas {
  major: number
  extensions: string[]
}

/** Shown in an error; the record may have very many. */
const MOST_SHOWN = 20
const MOST_ASKED = 10
const MOST_WAIT_MS = 5_000
const ASK = `select pg_catalog.jsonb_build_object(
  'major', pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000,
  'extensions', (select coalesce(pg_catalog.jsonb_agg(name), '[]') from pg_catalog.pg_available_extensions))`

export function needsIn(facts: Readonly<Record<string, unknown>>): ServerNeeds {
  const listed = (name: string): Array<Record<string, unknown>> =>
    Array.isArray(facts[name]) ? (facts[name] as Array<Record<string, unknown>>) : []
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
  const version = Number(facts['server_version_num'])
  return {
    major: version > 0 ? Math.floor(version / 10_000) : undefined,
    extensions: listed('extensions').flatMap(one => {
      const name = text(one?.['name'])
      return name === undefined ? [] : [{ name, version: text(one['version']) }]
    }),
    libraries: listed('c_libraries').flatMap(one => {
      const library = text(one?.['library'])
      return library === undefined ? [] : [{ library, function: text(one['function']) ?? '' }]
    }),
  }
}

/**
 * Throws `CONFIGURATION` if the server lacks extensions of the backup, or the temporary server of a drill its
 * libraries: it is another build, and takes none from the machine. The hint names targets that have all.
 */
export async function assertServerHas(
  needs: ServerNeeds,
  of: {
    connection: PostgresConnection
    isTemporary: boolean
    psql: string
    targets: DrillPlace<PostgresTarget>['targets']
    signal: AbortSignal
  },
): Promise<void> {
  if (needs.extensions.length + needs.libraries.length === 0) return
  const has = await ask(of.connection, of)
  const there = new Set(has.extensions)
  const missing = needs.extensions.filter(({ name }) => !there.has(name))
  // In the packages of PostgreSQL, a library has the name of its extension.
  const unknown = of.isTemporary ? needs.libraries.filter(({ library }) => !there.has(moduleOf(library))) : []
  if (missing.length + unknown.length === 0) return
  throw new BackupError(lacksWords({ ...needs, extensions: missing, libraries: unknown }, has), {
    code: 'CONFIGURATION',
    hint: await adviceFor(needs, of),
  })
}

function lacksWords({ major, extensions, libraries }: ServerNeeds, has: ServerHas): string {
  const server = `The server of the drill (PostgreSQL ${has.major})`
  if (extensions.length > 0) return `${server} lacks extensions of the backup: ${namesOf(extensions)}`
  const [first] = libraries
  const madeFor = major === undefined ? '' : `, which was made for PostgreSQL ${major}`
  const more = libraries.length > 1 ? `, and ${libraries.length - 1} more` : ''
  return `${server} cannot load the library ${first?.library} of the C function ${first?.function}${madeFor}${more}`
}

function namesOf(extensions: ServerNeeds['extensions']): string {
  const names = extensions.map(({ name, version }) => (version === undefined ? name : `${name} ${version}`))
  return names.slice(0, MOST_SHOWN).join(', ') + (names.length > MOST_SHOWN ? ', and more' : '')
}

/** The library alone, without its folder: `$libdir/refint` is `refint`. An absolute path is no module. */
function moduleOf(library: string): string {
  return library.startsWith('/') ? library : library.replace(/^\$libdir\//, '').replace(/\.so$/, '')
}

async function adviceFor(
  needs: ServerNeeds,
  { targets, psql, signal }: Parameters<typeof assertServerHas>[1],
): Promise<Hint> {
  const asked = ((await targets?.()) ?? []).slice(0, MOST_ASKED).map(async ({ name, target }) => {
    const within = AbortSignal.any([signal, AbortSignal.timeout(MOST_WAIT_MS)])
    const has = await ask(target.connection, { psql, signal: within }).catch(() => undefined)
    return has !== undefined && suits(needs, has) ? [name] : []
  })
  const [name, ...others] = (await Promise.all(asked)).flat()
  if (name !== undefined) {
    const also = others.length > 0 ? ` (or ${others.join(', ')})` : ''
    return hint`The target ${name}${also} has what it needs: ${option('on', name)}, or drill_on: ${name} for its source in telegram-backup.yaml. The user must be allowed to create databases.`
  }
  const { major, extensions, libraries } = needs
  const version = major === undefined ? 'a PostgreSQL server' : `a PostgreSQL ${major} server`
  const having = [
    ...(extensions.length > 0 ? [`these extensions: ${namesOf(extensions)}`] : []),
    ...(libraries.length > 0 ? [`these libraries: ${libraries.map(one => one.library).join(', ')}`] : []),
  ].join(', and ')
  return hint`Give ${version} that has ${having}, and a user that may create databases: ${option('on')} postgresql://USER@HOST/postgres`
}

/** A library is of one version of PostgreSQL. Whether it is installed, only a restore shows. */
function suits({ major = 0, extensions, libraries }: ServerNeeds, has: ServerHas): boolean {
  const isVersion = libraries.length > 0 ? has.major === major : has.major >= major
  return isVersion && extensions.every(({ name }) => has.extensions.includes(name))
}

async function ask(
  connection: PostgresConnection,
  { psql, signal }: { psql: string; signal: AbortSignal },
): Promise<ServerHas> {
  const answer = await queryJson(connection, ASK, { psql, signal }).catch((error: unknown) => {
    // The database of a target need not exist yet.
    if (describeError(error).code !== 'CONFIGURATION') throw error
    return queryJson(atDatabase(connection, 'postgres'), ASK, { psql, signal })
  })
  const { major, extensions } = answer as ServerHas
  return { major: Number(major), extensions }
}
