import { type Kysely, sql } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'

/** Ours, and the one of the queue. What lies in them runs with our rights: triggers, defaults, checks. */
const SCHEMAS = sql`array['control_plane', 'pgboss']`

/**
 * Whom we trust with what is ours: ourselves, roles that we were made members of, since whoever did that meant us to share, and
 * superusers, whom nothing stops. Memberships are walked, since a superuser counts as a member of every role.
 */
const TRUSTED = sql`
  recursive roles_of_ours (role) as (
    select oid from pg_catalog.pg_roles where rolname = current_user
     union
    select member.roleid from pg_catalog.pg_auth_members member join roles_of_ours on member.member = role
  ), trusted (role) as (
    select role from roles_of_ours union select oid from pg_catalog.pg_roles where rolsuper
  )`

interface ForeignObject {
  /** As PostgreSQL says it: `table`, `function`, `schema`. */
  type: string
  /** With its schema, quoted where need be. */
  identity: string
  owner: string
  we: string
}

/**
 * CatalogError CONFIGURATION when something in the catalog's schemas, or a function or operator that a trigger, a default, a check
 * or an index of a table there calls, belongs to a role that is not ours: that role could have it do anything with our rights.
 */
export async function refuseForeignOwners(kysely: Kysely<CatalogSchema>): Promise<void> {
  // An owner is noted for all but what was made with the server itself.
  const { rows } = await sql<ForeignObject>`
    with ${TRUSTED}, schemas as (
      select oid from pg_catalog.pg_namespace where nspname = any (${SCHEMAS})
    ), members (classid, objid) as (
      select 'pg_namespace'::regclass, oid from schemas
       union
      select depend.classid, depend.objid from pg_catalog.pg_depend depend
        join schemas on depend.refclassid = 'pg_namespace'::regclass and depend.refobjid = schemas.oid
    ), parts (classid, objid) as (
      select classid, objid from members
       union
      select depend.classid, depend.objid from pg_catalog.pg_depend depend
        join members on members.classid = 'pg_class'::regclass
                    and (depend.refclassid, depend.refobjid) = (members.classid, members.objid)
       where depend.classid in ('pg_trigger'::regclass, 'pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass)
    ), ours_to_run (classid, objid) as (
      select classid, objid from members
       union
      select depend.refclassid, depend.refobjid from pg_catalog.pg_depend depend
        join parts on (depend.classid, depend.objid) = (parts.classid, parts.objid)
       where depend.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass)
    )
    select object.type, object.identity, pg_catalog.pg_get_userbyid(owned.refobjid) as owner, current_user as we
      from ours_to_run
      join pg_catalog.pg_shdepend owned on (owned.classid, owned.objid) = (ours_to_run.classid, ours_to_run.objid)
       and owned.deptype = 'o' and owned.refclassid = 'pg_authid'::regclass
       and owned.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
      cross join lateral pg_catalog.pg_identify_object(owned.classid, owned.objid, 0) object
     where owned.refobjid not in (select role from trusted)
     order by object.type = 'schema' desc, object.identity
     limit 1
  `.execute(kysely)
  const [foreign] = rows
  if (foreign === undefined) return
  const { type, identity, owner, we } = foreign
  throw new CatalogError(`In the catalog, ${type} ${identity} belongs to role "${owner}"`, {
    code: 'CONFIGURATION',
    hint: `What it does runs with the rights of "${we}". If that role made it by your will, run as a superuser: ALTER ${type.toUpperCase()} ${identity} OWNER TO "${we}". Otherwise look at what it is, and take a database of its own for the catalog.`,
  })
}

/** Takes from PUBLIC what somebody's default privileges may have given. What a role was given by its name, stays; see `rolesWithRights`. */
export async function shutOutPublic(kysely: Kysely<CatalogSchema>): Promise<void> {
  await sql`
    do $$ declare name text; begin
      for name in select nspname from pg_catalog.pg_namespace where nspname in ('control_plane', 'pgboss') loop
        execute pg_catalog.format('revoke all on schema %I from public', name);
        execute pg_catalog.format('revoke all on all tables in schema %I from public', name);
        execute pg_catalog.format('revoke all on all sequences in schema %I from public', name);
        execute pg_catalog.format('revoke all on all routines in schema %I from public', name);
      end loop;
    end $$
  `.execute(kysely)
}

/** The roles (`PUBLIC` among them) that have any right in the catalog's schemas and are not ours, by name. */
export async function rolesWithRights({ kysely }: Database): Promise<string[]> {
  const { rows } = await sql<{ role: string }>`
    with ${TRUSTED}, schemas as (
      select oid, nspacl from pg_catalog.pg_namespace where nspname = any (${SCHEMAS})
    ), lists (acl) as (
      select nspacl from schemas
       union all
      select relacl from pg_catalog.pg_class join schemas on relnamespace = schemas.oid
       union all
      select attacl from pg_catalog.pg_attribute
        join pg_catalog.pg_class on attrelid = pg_class.oid join schemas on relnamespace = schemas.oid
    )
    select distinct case granted.grantee when 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(granted.grantee)::text end as role
      from lists cross join lateral pg_catalog.aclexplode(acl) granted
     where granted.grantee not in (select role from trusted)
     order by role
  `.execute(kysely)
  return rows.map(({ role }) => role)
}
