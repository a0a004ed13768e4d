import type { PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'

/** The role that restores; what the source's owners have written runs with its rights. */
export interface RestoringRole {
  name: string
  isSuperuser: boolean
  /** Attributes beyond one database, for example `CREATEROLE`. */
  attributes: string[]
  /** Roles that it can give objects to; for a superuser all. */
  memberOf: string[]
  /** Those of them with an attribute, or predefined by PostgreSQL. */
  strongRoles: string[]
  untrustedExtensions: string[]
}

// Giving an object to a role takes membership, from 16 on with the right to SET ROLE.
const GIVABLE = `
    from pg_catalog.pg_roles m
    where m.oid <> r.oid and m.rolname <> 'pg_database_owner' and pg_catalog.pg_has_role(m.oid,
      case when pg_catalog.current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)`

const ROLE = `
select pg_catalog.jsonb_build_object(
  'name', r.rolname,
  'isSuperuser', r.rolsuper,
  'attributes', pg_catalog.to_jsonb(pg_catalog.array_remove(array[
    case when r.rolcreaterole then 'CREATEROLE' end,
    case when r.rolreplication then 'REPLICATION' end,
    case when r.rolbypassrls then 'BYPASSRLS' end
  ], null)),
  'memberOf', (
    select coalesce(pg_catalog.jsonb_agg(m.rolname order by m.rolname), '[]') ${GIVABLE}
  ),
  'strongRoles', (
    select coalesce(pg_catalog.jsonb_agg(m.rolname), '[]') ${GIVABLE}
      and (m.rolsuper or m.rolcreaterole or m.rolcreatedb or m.rolreplication or m.rolbypassrls or m.rolname ~ '^pg_')
  ),
  'untrustedExtensions', (
    select coalesce(pg_catalog.jsonb_agg(distinct v.name), '[]') from pg_catalog.pg_available_extension_versions v
    where v.superuser and not v.trusted
  )
) from pg_catalog.pg_roles r where r.rolname = current_user
`

/** Throws what {@link queryJson} throws. */
export async function readRestoringRole(
  connection: PostgresConnection,
  options: { psql: string; signal: AbortSignal },
): Promise<RestoringRole> {
  return (await queryJson(connection, ROLE, options)) as RestoringRole
}

/**
 * Rights of the role beyond a database that it owns, for people.
 * @param owners roles that it has to be a member of, since they own something in the backup; strong ones are
 * named all the same
 */
export function rightsBeyond(
  { isSuperuser, attributes, memberOf, strongRoles }: RestoringRole,
  owners: readonly string[],
): string | undefined {
  const further = memberOf.filter(name => strongRoles.includes(name) || !owners.includes(name))
  if (isSuperuser) return 'a superuser, who may do everything on that server and run programs there'
  const rights = [
    ...(attributes.length > 0 ? [`has ${attributes.join(', ')}`] : []),
    ...(further.length > 0 ? [`is a member of ${someOf(further)}`] : []),
  ]
  return rights.length === 0 ? undefined : `who ${rights.join(' and ')}`
}

/** What this role cannot restore, by the record of a backup, for people, with what to do about it. */
export function beyondRights(role: RestoringRole, source: Readonly<Record<string, unknown>>): string[] {
  if (role.isSuperuser) return []
  const untrusted = new Set(role.untrustedExtensions)
  const extensions = namedIn(source['extensions']).filter(({ name }) => untrusted.has(name))
  // Older backups have no such record.
  const needs = namedIn(source['needs_superuser'])
  const own = new Set([role.name, ...role.memberOf])
  const owners = rolesIn(source['roles']).filter(name => !own.has(name))
  const forSuperusers = [
    ...extensions.map(({ name }) => `the extension ${name}`),
    ...needs.map(({ kind, name }) => `the ${kind} ${name}`),
  ]
  return [
    ...(forSuperusers.length > 0
      ? [`only a superuser can restore ${someOf(forSuperusers)}; ${role.name} is none`]
      : []),
    ...(owners.length > 0
      ? [
          `what belongs to a role can be restored only when that role is granted to ${role.name}; the backup names ${someOf(owners)}, each as an owner or for a right that it was given`,
        ]
      : []),
  ]
}

function someOf(names: readonly string[]): string {
  const more = names.length > 10 ? `, and ${names.length - 10} more` : ''
  return `${names.slice(0, 10).join(', ')}${more}`
}

function namedIn(value: unknown): Array<{ kind: string; name: string }> {
  if (!Array.isArray(value)) return []
  return value
    .filter((one): one is { kind?: unknown; name: string } => typeof one?.name === 'string')
    .map(({ kind, name }) => ({ kind: String(kind), name }))
}

/** The recorded owners and grantees, without predefined roles. */
export function rolesIn(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  return value.filter(name => typeof name === 'string' && !name.startsWith('pg_'))
}
