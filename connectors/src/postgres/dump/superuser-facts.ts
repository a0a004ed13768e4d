import { describeError } from '@telegram-backup/errors'
import type { PsqlSession } from '#postgres/psql-session.ts'

export type SuperuserNeed = { kind: string; name: string }

export type SuperuserFacts = {
  /** Some of each kind, {@link MOST_NAMED} at most: one is enough to decide. */
  needs_superuser: SuperuserNeed[]
  bootstrap_superuser: string
  /** Of functions in C that belong to no extension; each library with one of its functions. */
  c_libraries: Array<{ library: string; function: string }>
}

/** Every list of backups reads the record. */
const MOST_NAMED = 50
const MOST_OF_A_KIND = 5

const ownOf = (catalog: string, oid: string): string => `${oid} >= 16384 and not ${memberOf(catalog, oid)}`

const memberOf = (catalog: string, oid: string): string => `exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass and d.objid = ${oid} and d.deptype = 'e')`

const inSchema = (name: string, namespace: string): string =>
  `pg_catalog.concat((select nspname from pg_catalog.pg_namespace where oid = ${namespace}), '.', ${name})`

const changedGrants = (
  of: Record<'catalog' | 'acl' | 'owner' | 'namespace' | 'letter' | 'name', string> & { where: string },
): string => `
  select 'grant on a system object', ${of.name}
  from pg_catalog.${of.catalog} o left join pg_catalog.pg_init_privs i
    on i.objoid = o.oid and i.classoid = 'pg_catalog.${of.catalog}'::pg_catalog.regclass and i.objsubid = 0
  where ${of.acl} is not null and ${of.where}
    and (o.oid < 16384 and ${of.namespace} = 'pg_catalog'::pg_catalog.regnamespace or ${memberOf(of.catalog, 'o.oid')})
    and ${listOf(of.acl, of)} <> ${listOf('i.initprivs', of)}`

const listOf = (acl: string, { letter, owner }: { letter: string; owner: string }): string => `array(
      select item::pg_catalog.text from pg_catalog.unnest(coalesce(${acl}, pg_catalog.acldefault('${letter}', ${owner}))) as item
      order by item::pg_catalog.text collate "C")`

/**
 * pg_dump writes a grant under its grantor's name; if that is not the owner, only a superuser can restore it.
 */
const foreignGrants = (catalog: string, acl: string, owner: string, name: string): string => `
  select 'grant by another than the owner', ${name} from pg_catalog.${catalog} o
  where ${ownOf(catalog, 'o.oid')} and exists (select from pg_catalog.aclexplode(${acl}) a where a.grantor <> ${owner})`

/** What PostgreSQL's commands require a superuser for, in 13 to 18. */
const needs = (serverMajor: number): string => `
  select 'base type' as kind, ${inSchema('typname', 'typnamespace')} as name from pg_catalog.pg_type t
  where (typtype = 'b' or not typisdefined) and ${ownOf('pg_type', 't.oid')}
    and not exists (select from pg_catalog.pg_type element where element.typarray = t.oid)
  union all select 'operator class', ${inSchema('opcname', 'opcnamespace')} from pg_catalog.pg_opclass o where ${ownOf('pg_opclass', 'o.oid')}
  union all select 'operator family', ${inSchema('opfname', 'opfnamespace')} from pg_catalog.pg_opfamily o where ${ownOf('pg_opfamily', 'o.oid')}
  union all select 'event trigger', evtname from pg_catalog.pg_event_trigger e where ${ownOf('pg_event_trigger', 'e.oid')}
  union all select case when not lanpltrusted then 'function in ' || lanname when proleakproof then 'leakproof function'
      else 'function with a superuser''s setting' end, ${inSchema('proname', 'pronamespace')}
    from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = prolang
    where ${ownOf('pg_proc', 'p.oid')} and prokind <> 'a' and not exists (
      select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'i')
    and (not lanpltrusted or proleakproof or prosupport <> 0 or exists (
      select from pg_catalog.unnest(proconfig) as made (text) join pg_catalog.pg_settings s
        on pg_catalog.lower(s.name) = pg_catalog.lower(pg_catalog.split_part(made.text, '=', 1)) where s.context <> 'user'))
  union all select 'aggregate over internal state', ${inSchema('proname', 'pronamespace')}
    from pg_catalog.pg_aggregate a join pg_catalog.pg_proc p on p.oid = a.aggfnoid
    where ${ownOf('pg_proc', 'p.oid')} and 'pg_catalog.internal'::pg_catalog.regtype in (aggtranstype, aggmtranstype)
  union all select 'cast without a function', pg_catalog.concat(castsource::pg_catalog.regtype, ' to ', casttarget::pg_catalog.regtype)
    from pg_catalog.pg_cast c where castmethod = 'b' and ${ownOf('pg_cast', 'c.oid')}
  union all select 'language', lanname from pg_catalog.pg_language l where ${ownOf('pg_language', 'l.oid')}
  union all select 'access method', amname from pg_catalog.pg_am a where ${ownOf('pg_am', 'a.oid')}
  union all select 'foreign-data wrapper', fdwname from pg_catalog.pg_foreign_data_wrapper f where ${ownOf('pg_foreign_data_wrapper', 'f.oid')}
  union all select 'text search parser', ${inSchema('prsname', 'prsnamespace')} from pg_catalog.pg_ts_parser p where ${ownOf('pg_ts_parser', 'p.oid')}
  union all select 'text search template', ${inSchema('tmplname', 'tmplnamespace')} from pg_catalog.pg_ts_template t where ${ownOf('pg_ts_template', 't.oid')}
  union all select 'publication for all tables', pubname from pg_catalog.pg_publication where puballtables
  ${serverMajor < 15 ? '' : `union all select 'publication for a schema', pubname from pg_catalog.pg_publication p where exists (select from pg_catalog.pg_publication_namespace where pnpubid = p.oid)`}
  union all select 'subscription', subname from pg_catalog.pg_subscription
    where subdbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
  union all ${[
    changedGrants({
      catalog: 'pg_proc',
      acl: 'o.proacl',
      owner: 'o.proowner',
      namespace: 'o.pronamespace',
      letter: 'f',
      name: 'o.proname',
      where: 'true',
    }),
    changedGrants({
      catalog: 'pg_class',
      acl: 'o.relacl',
      owner: 'o.relowner',
      namespace: 'o.relnamespace',
      letter: 'r',
      name: 'o.relname',
      where: `o.relkind in ('r', 'v')`,
    }),
    foreignGrants('pg_class', 'o.relacl', 'o.relowner', inSchema('relname', 'relnamespace')),
    foreignGrants('pg_proc', 'o.proacl', 'o.proowner', inSchema('proname', 'pronamespace')),
    foreignGrants('pg_namespace', 'o.nspacl', 'o.nspowner', 'nspname'),
  ].join('\n  union all ')}`

/** Undefined where the server refuses: then a drill finds out. Throws when there is no session. */
export async function readSuperuserFacts(
  session: PsqlSession,
  serverMajor: number,
): Promise<SuperuserFacts | undefined> {
  const query = `
select pg_catalog.jsonb_build_object(
  'needs_superuser', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('kind', kind, 'name', name) order by kind, name), '[]')
    from (
      select kind, name from (
        select kind, name, pg_catalog.row_number() over (partition by kind order by name) as number
        from (${needs(serverMajor)}) as found (kind, name)
      ) numbered where number <= ${MOST_OF_A_KIND} order by kind, name limit ${MOST_NAMED}
    ) first),
  'bootstrap_superuser', pg_catalog.pg_get_userbyid(10),
  'c_libraries', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('library', library, 'function', name) order by library), '[]')
    from (
      select p.probin as library, pg_catalog.min(${inSchema('p.proname', 'p.pronamespace')}) as name
      from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
      where l.lanname = 'c' and p.probin is not null and ${ownOf('pg_proc', 'p.oid')}
      group by p.probin order by p.probin limit ${MOST_NAMED}
    ) libraries))`
  try {
    return (await session.ask(query)) as SuperuserFacts
  } catch (error) {
    if (describeError(error).code === 'POSTGRES' && session.isOpen) return undefined
    throw error
  }
}

/** The recorded objects; none in older records. */
export function needsSuperuserIn(source: Readonly<Record<string, unknown>> | null): SuperuserNeed[] {
  const listed = source?.['needs_superuser']
  return Array.isArray(listed) ? listed.filter(isNeed) : []
}

function isNeed(value: unknown): value is SuperuserNeed {
  const { kind, name } = (value ?? {}) as Partial<SuperuserNeed>
  return typeof kind === 'string' && typeof name === 'string'
}
