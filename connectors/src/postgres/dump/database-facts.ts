import { BackupError } from '@telegram-backup/errors'
import type { SourceFacts } from 'telegram-deployment-bot'
import { DATABASE_PROPERTIES } from '#postgres/database-properties-query.ts'
import { readSuperuserFacts, type SuperuserFacts } from '#postgres/dump/superuser-facts.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'

export interface DatabaseFacts {
  serverMajor: number
  database: string
  /** Size of the rows on disk; a plain dump is of that order. */
  estimatedBytes: number
  /** For the record: names, versions, grants, settings. */
  facts: SourceFacts
  /** What is missing in the record, for people. */
  warnings: string[]
  /** Undefined where the server refuses. */
  superuser: SuperuserFacts | undefined
}

/** `to_jsonb` of rows, since their columns differ by version. Measuring sizes would wait for locks. */
const QUERY = `
with here as (
  select d.*, pg_catalog.to_jsonb(d) as row from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
), owners as (
  select relowner as role from pg_catalog.pg_class where oid >= 16384
  union select nspowner from pg_catalog.pg_namespace where oid >= 16384
  union select proowner from pg_catalog.pg_proc where oid >= 16384
  union select datdba from here
  union select refobjid from pg_catalog.pg_shdepend, here
    where refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
      and (dbid = here.oid or (dbid = 0 and classid = 'pg_catalog.pg_database'::pg_catalog.regclass and objid = here.oid))
)
select pg_catalog.jsonb_build_object(
  'server_version', pg_catalog.current_setting('server_version'),
  'server_version_num', pg_catalog.current_setting('server_version_num')::int,
  'database', datname,
${DATABASE_PROPERTIES},
  'tablespace', (select spcname from pg_catalog.pg_tablespace where oid = dattablespace),
  'database_size', pg_catalog.pg_database_size(here.oid),
  'extensions', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', extname, 'version', extversion) order by extname), '[]')
    from pg_catalog.pg_extension
  ),
  'roles', (
    select pg_catalog.jsonb_agg(rolname order by rolname) from pg_catalog.pg_roles where oid in (select role from owners)
  ),
  'large_objects', exists (select from pg_catalog.pg_largeobject_metadata),
  'row_bytes', (
    select coalesce(pg_catalog.sum(relpages::bigint), 0) * pg_catalog.current_setting('block_size')::int
    from pg_catalog.pg_class where relkind in ('r', 'm', 't') and oid >= 16384
  )
) from here
`

interface DatabaseSetting {
  role: string | null
  name: string
  value: string | null
}

/**
 * Limit for comment and settings together, which the owner chooses: everybody's list of backups reads them.
 */
const MOST_CHARACTERS = 256 * 1024

/** Throws what the session throws. */
export async function readDatabaseFacts(session: PsqlSession): Promise<DatabaseFacts> {
  const answer = await session.ask(QUERY)
  if (typeof answer !== 'object' || answer === null) {
    throw new BackupError('The server gave no facts about the database', { code: 'SOURCE' })
  }
  const {
    row_bytes: rowBytes,
    settings,
    comment,
    ...facts
  } = answer as SourceFacts & {
    settings: DatabaseSetting[]
    comment: string | null
  }
  let room = MOST_CHARACTERS
  const fits = (one: SourceFacts | string): boolean => {
    room -= JSON.stringify(one).length
    return room >= 0
  }
  const isCommented = comment === null || fits(comment)
  const told = settings.map(withoutSecret)
  const kept = told.filter(fits)
  const serverMajor = Math.floor(Number(facts['server_version_num']) / 10_000)
  return {
    serverMajor,
    database: String(facts['database']),
    estimatedBytes: Number(rowBytes) || Number(facts['database_size']),
    facts: { ...facts, comment: isCommented ? comment : null, settings: kept },
    warnings:
      isCommented && kept.length === told.length
        ? []
        : [
            'The comment and the settings of the database are too long to be recorded completely, and the dump does not contain them.',
          ],
    superuser: await readSuperuserFacts(session, serverMajor),
  }
}

const SECRET_NAME = /secret|passw|token|credential|private|api_?key|jwt/i
const SECRET_VALUE = /:\/\/[^/\s]*:[^/\s]*@/

/**
 * Applications keep keys in settings of their own (`app.jwt_secret`). The catalog is not encrypted, so such a
 * value is recorded as null, and a person has to set it again after a restore.
 */
function withoutSecret({ role, name, value }: DatabaseSetting): SourceFacts {
  const isSecret = SECRET_NAME.test(name) || (value !== null && SECRET_VALUE.test(value))
  return { role, name, value: isSecret ? null : value }
}
