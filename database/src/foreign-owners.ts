import { CatalogError } from '#catalog-error.ts'

/** Our schema and that of the queue. What lies in them runs with our rights: triggers, defaults, checks. */
export const SCHEMAS = "array['control_plane', 'pgboss']"

/**
 * The roles that may own our objects: our own, roles of which we were made members, and superusers, whom
 * nothing stops. The query walks memberships, since a superuser counts as a member of every role.
 */
export const TRUSTED = `
  recursive roles_of_ours (role) as (
    select oid from pg_catalog.pg_roles where rolname = current_user
     union
    select member.roleid from pg_catalog.pg_auth_members member join roles_of_ours on member.member = role
  ), trusted (role) as (
    select role from roles_of_ours union select oid from pg_catalog.pg_roles where rolsuper
  )`

export interface ForeignObject {
  /** PostgreSQL's word: `table`, `function`, `schema`. */
  type: string
  /** With its schema, quoted where need be. */
  identity: string
  owner: string
  we: string
}

/**
 * The first object of a strange role that could run with our rights: it lies in the catalog's schemas, or a
 * trigger, default, check or index there calls it. PostgreSQL records owners of all but its built-in objects.
 */
export const foreignObject: string = `
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
     limit 1`

export function foreignOwner({ type, identity, owner, we }: ForeignObject): CatalogError {
  return new CatalogError(`In the catalog, ${type} ${identity} belongs to role "${owner}"`, {
    code: 'CONFIGURATION',
    hint: `It runs with the rights of "${we}". If you trust it, run as a superuser: ALTER ${type.toUpperCase()} ${identity} OWNER TO "${we}". Otherwise inspect it, and use a separate database for the catalog.`,
  })
}
