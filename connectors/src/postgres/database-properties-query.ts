/**
 * What a dump does not hold of its database: arguments of a jsonb_build_object over `here`, one row of
 * pg_database with itself as jsonb in `row`. A backup records it, and a restore asks the target for the same.
 */
export const DATABASE_PROPERTIES: string = `
  'encoding', pg_catalog.pg_encoding_to_char(encoding),
  'collation', datcollate,
  'ctype', datctype,
  'locale_provider', case row->>'datlocprovider' when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end,
  'locale', coalesce(row->>'datlocale', row->>'daticulocale'),
  'icu_rules', row->>'daticurules',
  'owner', pg_catalog.pg_get_userbyid(datdba),
  'database_acl', datacl::pg_catalog.text[],
  'settings', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'role', case when setrole <> 0 then pg_catalog.pg_get_userbyid(setrole) end,
      'name', pg_catalog.split_part(setting, '=', 1),
      'value', pg_catalog.substr(setting, pg_catalog.strpos(setting, '=') + 1)
    ) order by setrole, setting), '[]')
    from pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) as setting where setdatabase = here.oid
  ),
  'connection_limit', datconnlimit,
  'comment', pg_catalog.shobj_description(here.oid, 'pg_database')`
