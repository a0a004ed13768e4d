import type { PostgresServer } from '#servers/postgres-server.ts'

/**
 * What PostgreSQL knows of a table, its partitions and its sequences, and all rows, as JSON in lines. The
 * identity of partitions is left out: those of partitions lose it in a dump.
 */
export async function describedTable(
  server: Pick<PostgresServer, 'sql'>,
  database: string,
  table: string,
): Promise<string> {
  return await server.sql(
    database,
    `set search_path = ''; ${DESCRIPTION.replaceAll('$table', `'${table.replaceAll("'", "''")}'`)}`,
  )
}

const DESCRIPTION = `
with recursive family (oid) as (
  select $table::regclass::oid
  union select inhrelid from pg_inherits i join family on inhparent = family.oid join pg_class c on c.oid = inhrelid and c.relispartition
), members as (select c.* from pg_class c join family using (oid))
select jsonb_pretty(jsonb_agg(d order by d ->> 'name')) from (
  select jsonb_build_object(
    'name', m.oid::regclass, 'kind', relkind, 'persistence', relpersistence, 'owner', relowner::regrole, 'options', reloptions,
    'acl', relacl::text, 'security', array[relrowsecurity, relforcerowsecurity], 'identity', relreplident,
    'partition', pg_get_expr(relpartbound, m.oid), 'key', pg_get_partkeydef(m.oid), 'comment', obj_description(m.oid, 'pg_class'),
    'method', (select amname from pg_am a where a.oid = relam), 'type', nullif(reloftype, 0)::regtype,
    'parents', (select jsonb_agg(inhparent::regclass order by inhseqno) from pg_inherits where inhrelid = m.oid),
    'columns', (select jsonb_agg(jsonb_build_array(attname, format_type(atttypid, atttypmod), attnotnull, case when not m.relispartition then attidentity end, attgenerated,
        attstorage, attcompression, nullif(attstattarget, -1), (select jsonb_agg(o) from unnest(attoptions) o where o like 'n_distinct%'), attacl::text, attcollation::regcollation, attislocal,
        pg_get_expr(adbin, adrelid), col_description(m.oid, attnum)) order by attnum)
      from pg_attribute a left join pg_attrdef d on adrelid = attrelid and adnum = attnum where attrelid = m.oid and attnum > 0 and not attisdropped),
    'constraints', (select jsonb_agg(jsonb_build_array(conname, pg_get_constraintdef(k.oid), convalidated, conislocal, obj_description(k.oid, 'pg_constraint')) order by conname)
      from pg_constraint k where conrelid = m.oid),
    'indexes', (select jsonb_agg(jsonb_build_array(pg_get_indexdef(indexrelid), indisclustered, indisreplident, indisvalid, c.reloptions, obj_description(indexrelid, 'pg_class'),
        (select inhparent::regclass from pg_inherits where inhrelid = indexrelid)) order by indexrelid::regclass::text)
      from pg_index join pg_class c on c.oid = indexrelid where indrelid = m.oid),
    'triggers', (select jsonb_agg(jsonb_build_array(pg_get_triggerdef(t.oid), tgenabled, obj_description(t.oid, 'pg_trigger')) order by tgname) from pg_trigger t where tgrelid = m.oid and not tgisinternal),
    'rules', (select jsonb_agg(jsonb_build_array(pg_get_ruledef(r.oid), ev_enabled) order by rulename) from pg_rewrite r where ev_class = m.oid),
    'policies', (select jsonb_agg(jsonb_build_array(polname, polcmd, polpermissive, polroles::regrole[]::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(p.oid, 'pg_policy')) order by polname)
      from pg_policy p where polrelid = m.oid),
    'statistics', (select jsonb_agg(jsonb_build_array(pg_get_statisticsobjdef(s.oid), obj_description(s.oid, 'pg_statistic_ext')) order by stxname) from pg_statistic_ext s where stxrelid = m.oid),
    'sequences', (select jsonb_agg(jsonb_build_array(q.oid::regclass, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle, d.refobjsubid, q.relacl::text, q.relowner::regrole,
        pg_sequence_last_value(q.oid), obj_description(q.oid, 'pg_class')) order by d.refobjsubid)
      from pg_depend d join pg_class q on q.oid = d.objid and q.relkind = 'S' join pg_sequence s on s.seqrelid = q.oid
      where d.refobjid = m.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')),
    'rows', case when relkind in ('r', 'm') then (xpath('//n/text()', query_to_xml(format('select count(*)::text || md5(coalesce(string_agg(x, ''|'' order by x), '''')) as n from (select md5(t::text) as x from only %s t) y', m.oid::regclass), false, true, '')))[1]::text end
  ) as d from members m
) all_of_them`
