import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nameFromInside } from '#embedded/cluster.ts'
import type { PreparedServer } from '#embedded/server-profile.ts'

/**
 * PostgreSQL's own extensions for a drill's server, each with its library, if any. The first list holds those
 * that PostgreSQL trusts to roles without rights. The second holds those that elsewhere need a superuser:
 * their scripts only define functions, types and views, and grant nothing dangerous. None is a language,
 * opens a file or reaches another server (no dblink, file_fdw, xml2, plperl), since a dump's own functions
 * may call all of it.
 */
const LIBRARIES: Readonly<Record<string, string | undefined>> = {
  ...byTheirNames(
    'btree_gin btree_gist citext cube dict_int fuzzystrmatch hstore isn lo ltree pg_trgm pgcrypto',
  ),
  ...byTheirNames('seg tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp'),
  intarray: '_int',
  ...byTheirNames('amcheck autoinc bloom dict_xsyn earthdistance insert_username moddatetime pageinspect'),
  ...byTheirNames('pg_buffercache pg_freespacemap pg_prewarm pg_stat_statements pg_visibility pgrowlocks'),
  ...byTheirNames('pgstattuple refint sslinfo postgres_fdw'),
  intagg: undefined,
}

/** Libraries on which those of the extensions depend. */
const SHARED = /^lib(?:ossp-uuid|pq)\.so\.\d+(?:\.\d+)?$|^lib(?:ossp-uuid|pq)\.[\d.]+\.dylib$/

const FOLDER = 'extensions'

/**
 * Copies the extensions into the data folder (2.4 MB, some milliseconds), so that every role that may make a
 * schema can create them, as a dump does. The catalog's own server has none. Returns the settings for a
 * server of PostgreSQL 18 or newer to find them.
 */
export function addExtensions({ source, data }: Pick<PreparedServer, 'source' | 'data'>): readonly string[] {
  const from = {
    scripts: join(source.folder, 'share', 'postgresql', 'extension'),
    libraries: join(source.folder, 'lib'),
  }
  const root = join(data.path, FOLDER)
  // Left by a failed start.
  rmSync(root, { recursive: true, force: true })
  const to = {
    scripts: join(root, 'extension'),
    libraries: join(root, 'lib'),
    modules: join(root, 'lib', 'postgresql'),
  }
  for (const folder of [root, to.scripts, to.libraries, to.modules])
    mkdirSync(folder, { mode: 0o755, recursive: true })
  const extensionOf = new Map(Object.keys(LIBRARIES).map(name => [name, name]))
  for (const file of readdirSync(from.scripts)) {
    const name = extensionOf.get(file.replace(/(?:--.*)?\.(?:sql|control)$/, ''))
    if (name !== undefined)
      write(join(to.scripts, file), adapted(file, readFileSync(join(from.scripts, file), 'utf8')))
  }
  const wanted = new Set(Object.values(LIBRARIES))
  for (const file of readdirSync(join(from.libraries, 'postgresql'))) {
    if (!wanted.has(file.replace(/\.(?:so|dylib)$/, ''))) continue
    copyFileSync(join(from.libraries, 'postgresql', file), join(to.modules, file))
  }
  for (const file of readdirSync(from.libraries).filter(name => SHARED.test(name))) {
    // Under the name that the loader asks for: the package holds no links.
    const name = file.replace(/(\.so\.\d+)\.\d+$/, '$1')
    copyFileSync(join(from.libraries, file), join(to.libraries, name))
  }
  openForAll(root)
  const inside = join(nameFromInside(data.path), FOLDER)
  return [
    `extension_control_path=$system:${inside}`,
    `dynamic_library_path=$libdir:${join(inside, 'lib', 'postgresql')}`,
  ]
}

/**
 * Makes an extension trusted, so that every role that may make a schema can create it. postgres_fdw loses its
 * handler, which opens connections: foreign tables can be made, but reach no server; a restoring role may use
 * it and grant it on.
 */
function adapted(file: string, text: string): string {
  if (file.endsWith('.control')) return `${text.replace(/^trusted\b.*$/m, '').trimEnd()}\ntrusted = true\n`
  if (!/^postgres_fdw--\d+\.\d+\.sql$/.test(file)) return text
  return `${text}
ALTER FOREIGN DATA WRAPPER postgres_fdw NO HANDLER;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO PUBLIC;
DO $$ BEGIN
  EXECUTE pg_catalog.format('GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO %I WITH GRANT OPTION', session_user);
END $$;
`
}

function byTheirNames(names: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map(name => [name, name]))
}

function write(path: string, text: string): void {
  writeFileSync(path, text, { flag: 'wx' })
}

/** The umask and the installing user may have closed them to the server's account. */
function openForAll(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) openForAll(path)
    else chmodSync(path, 0o644)
  }
}
