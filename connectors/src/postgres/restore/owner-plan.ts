import { BackupError, hint, option } from '@telegram-backup/errors'
import type { PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import { grantTo, readGrant } from '#postgres/restore/database-properties.ts'
import type { OwnerWishes, RestoreStep } from '#restoring.ts'

/** What the server says about the roles that a restore names. */
interface RolesOnServer {
  user: string
  known: string[]
  /** Whether the user may take the role. */
  maySet: boolean
  /** Whether the role may create schemas in the database that the connection leads to. */
  mayCreate: boolean
}

const ROLES = `
select pg_catalog.jsonb_build_object(
  'user', current_user,
  'known', (select coalesce(pg_catalog.jsonb_agg(rolname), '[]') from pg_catalog.pg_roles
    where rolname in (select pg_catalog.jsonb_array_elements_text(:'names'::pg_catalog.jsonb))),
  'maySet', (select coalesce(pg_catalog.bool_and(pg_catalog.pg_has_role(oid,
      case when pg_catalog.current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)), true)
    from pg_catalog.pg_roles where rolname = :'role'),
  'mayCreate', (select coalesce(pg_catalog.bool_and(
      pg_catalog.has_database_privilege(oid, pg_catalog.current_database(), 'CREATE')), true)
    from pg_catalog.pg_roles where rolname = :'role')
)`

/**
 * Checks the roles before anything is fetched. Returns the user of the connection. Throws `CONFIGURATION` for
 * a role that does not exist or may not be used.
 * @param of.needsCreate the role has to create all of a database that exists
 */
export async function checkRoles(
  { role, mapRoles }: OwnerWishes,
  of: { connection: PostgresConnection; needsCreate: boolean; psql: string; signal: AbortSignal },
): Promise<string> {
  const { connection, needsCreate, psql, signal } = of
  const names = [...mapRoles.map(({ to }) => to), ...(role === undefined ? [] : [role])]
  const variables = { names: JSON.stringify(names), role: role ?? '' }
  const state = (await queryJson(connection, ROLES, { psql, signal, variables })) as RolesOnServer
  const missing = names.filter(name => !state.known.includes(name))
  if (missing.length > 0) {
    throw new BackupError(`The server has no role ${missing.join(', ')}`, {
      code: 'CONFIGURATION',
      hint: hint`Create it first, or name a role that exists with ${option(missing.includes(role ?? '') ? 'role' : 'map-role')}.`,
    })
  }
  if (role === undefined) return state.user
  if (!state.maySet) {
    throw new BackupError(`The user ${state.user} may not restore as ${role}`, {
      code: 'CONFIGURATION',
      hint: 'GRANT the role TO that user, or connect as the role itself.',
    })
  }
  if (needsCreate && !state.mayCreate) {
    throw new BackupError(`The role ${role} may create nothing in the database`, {
      code: 'CONFIGURATION',
      hint: 'GRANT CREATE ON DATABASE … TO the role, or make it the owner of the database.',
    })
  }
  return state.user
}

type Facts = Readonly<Record<string, unknown>>

/**
 * The record of a backup as if its database had been that of the wanted owners. Of the recorded roles, no one
 * knows which own something: they are not required when only owners or only privileges are left out.
 */
export function underOwners(
  facts: Facts,
  wishes: OwnerWishes,
  as: { user: string; createRoles: boolean },
): Facts {
  const { noOwner, noAcl, role, mapRoles } = wishes
  const map = new Map(mapRoles.map(({ from, to }) => [from, to]))
  const mapped = (name: unknown): unknown => (typeof name === 'string' ? (map.get(name) ?? name) : name)
  const ownerOf = (name: unknown): unknown => (noOwner ? (role ?? as.user) : mapped(name))
  const isAnyLeftOut = noOwner || noAcl
  const { roles, owner, database_acl: acl, settings, schemas_of_tables: schemas } = facts
  return {
    ...facts,
    ...(Array.isArray(roles)
      ? {
          roles:
            isAnyLeftOut && !(as.createRoles && noOwner !== noAcl) ? [] : [...new Set(roles.map(mapped))],
        }
      : {}),
    // A role that restores has to own the new database, to create something in it.
    ...(owner === undefined ? {} : { owner: role ?? ownerOf(owner) }),
    ...(Array.isArray(acl) ? { database_acl: noAcl ? null : acl.map(item => mappedGrant(item, map)) } : {}),
    ...(Array.isArray(settings)
      ? { settings: settings.map(one => ({ ...one, role: mapped(one?.role) })) }
      : {}),
    ...(Array.isArray(schemas)
      ? { schemas_of_tables: schemas.map(one => ({ ...one, owner: ownerOf(one?.owner) })) }
      : {}),
  }
}

function mappedGrant(item: unknown, map: ReadonlyMap<string, string>): unknown {
  if (typeof item !== 'string') return item
  const { grantee, privileges } = readGrant(item)
  const to = map.get(grantee)
  return to === undefined ? item : grantTo(to, privileges)
}

/** What happens to owners and privileges, for the plan. */
export function ownerSteps(wishes: OwnerWishes | undefined, facts: Facts): RestoreStep[] {
  if (wishes === undefined) return []
  const { roles } = facts
  const unnamed = Array.isArray(roles)
    ? wishes.mapRoles.filter(({ from }) => !roles.includes(from) && facts['owner'] !== from)
    : []
  return [
    { does: 'treat owners', ...wishes },
    ...unnamed.map(({ from }) => ({
      does: 'warn' as const,
      problem: `the record of the backup names no role ${from}`,
    })),
  ]
}
