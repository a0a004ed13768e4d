/** What a cluster has besides its databases, as far as it decides how a restore goes. */
export interface Globals {
  /** `powers`: of SUPERUSER, CREATEROLE, REPLICATION, BYPASSRLS. */
  roles: readonly { name: string; powers: readonly string[] }[]
  memberships: readonly { role: string; member: string }[]
  settings: readonly { role: string; name: string }[]
  tablespaces: readonly { name: string }[]
}

/** The server that gets them. */
export interface GlobalsServer {
  roles: ReadonlySet<string>
  /** Parameters that each role may set for itself, in lower case. */
  ownParameters: ReadonlySet<string>
  tablespaces: ReadonlySet<string>
}

/** The same as JSON, for the record of a backup. */
export const GLOBALS_RECORD = `
pg_catalog.jsonb_build_object(
  'roles', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', rolname, 'powers', pg_catalog.array_remove(array[
      case when rolsuper then 'SUPERUSER' end, case when rolcreaterole then 'CREATEROLE' end,
      case when rolreplication then 'REPLICATION' end, case when rolbypassrls then 'BYPASSRLS' end], null))
      order by rolname), '[]')
    from pg_catalog.pg_roles where rolname !~ '^pg_'),
  'memberships', (
    select coalesce(pg_catalog.jsonb_agg(distinct pg_catalog.jsonb_build_object('role', granted.rolname, 'member', member.rolname)), '[]')
    from pg_catalog.pg_auth_members m
    join pg_catalog.pg_roles granted on granted.oid = m.roleid join pg_catalog.pg_roles member on member.oid = m.member
    where member.rolname !~ '^pg_'),
  'settings', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('role', rolname, 'name', pg_catalog.split_part(setting, '=', 1))
      order by rolname, setting), '[]')
    from pg_catalog.pg_db_role_setting join pg_catalog.pg_roles on pg_roles.oid = setrole, pg_catalog.unnest(setconfig) as setting
    where setdatabase = 0 and rolname !~ '^pg_'),
  'tablespaces', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', spcname) order by spcname), '[]')
    from pg_catalog.pg_tablespace where spcname !~ '^pg_'))`

/** The recorded globals; undefined without them. The record comes from a catalog or a chat. */
export function globalsIn(source: Readonly<Record<string, unknown>> | null): Globals | undefined {
  const recorded = (source?.['globals'] ?? {}) as Partial<Record<keyof Globals, unknown>>
  const { roles, memberships, settings, tablespaces } = recorded
  const isListed =
    isListOf(roles, ['name']) &&
    isListOf(memberships, ['role', 'member']) &&
    isListOf(settings, ['role', 'name']) &&
    isListOf(tablespaces, ['name'])
  if (!isListed) return undefined
  return {
    roles: (roles as { name: string; powers?: unknown }[]).map(({ name, powers }) => ({
      name,
      powers: Array.isArray(powers) ? powers.filter(power => typeof power === 'string') : [],
    })),
    memberships: memberships as { role: string; member: string }[],
    settings: settings as { role: string; name: string }[],
    tablespaces: tablespaces as { name: string }[],
  }
}

function isListOf(list: unknown, fields: readonly string[]): boolean {
  return (
    Array.isArray(list) &&
    list.every(
      one => typeof one === 'object' && one !== null && fields.every(field => typeof one[field] === 'string'),
    )
  )
}

/**
 * What a restore would add that gives more rights than an ordinary role has, for people: attributes, and
 * memberships in roles that the server has already, which may have any rights, and parameters that the role
 * could not set itself, such as libraries that its sessions load. A tablespace lies anywhere on the server's
 * disk. Roles that the server has stay as they are, so they get nothing.
 */
export function rightsAdded(globals: Globals, server: GlobalsServer): string[] {
  const isNew = (role: string): boolean => !server.roles.has(role)
  const powers = globals.roles
    .filter(({ name, powers }) => isNew(name) && powers.length > 0)
    .map(({ name, powers }) => `role ${name}: ${powers.join(', ')}`)
  const memberships = globals.memberships
    .filter(({ role, member }) => isNew(member) && !isNew(role))
    .map(({ role, member }) => `role ${member}: member of ${role}`)
  const settings = globals.settings
    .filter(({ role, name }) => isNew(role) && !server.ownParameters.has(name.toLowerCase()))
    .map(({ role, name }) => `role ${role}: parameter ${name}`)
  const tablespaces = globals.tablespaces
    .filter(({ name }) => !server.tablespaces.has(name))
    .map(({ name }) => `tablespace ${name}`)
  return [...powers, ...memberships, ...settings, ...tablespaces]
}
