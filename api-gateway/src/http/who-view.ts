import { ROLES, type Role, SCOPES_OF_ROLE } from '@telegram-backup/database'
import { type Caller, FACTOR_LASTS_MS } from '@telegram-backup/engine/access/caller.ts'

/** Who asks, and what that allows. */
export function whoView(caller: Caller): object {
  const { kind, id, name, scopes, project_id, created_at, session, hasPassword } = caller
  const who = {
    ...{ who: name, kind, role: roleOf(caller), scopes },
    projects: project_id === null ? null : [project_id],
    since: created_at,
  }
  if (session === undefined) return { ...who, factors: [kind] }
  const { factors, factor_at, expires_at } = session
  return {
    ...{ ...who, id, factors, factor_at, has_password: hasPassword },
    factor_until: new Date(factor_at.getTime() + FACTOR_LASTS_MS),
    session: { id: session.id, expires_at },
  }
}

/** The highest role that one of the scopes makes. */
function roleOf({ scopes }: Caller): Role | null {
  return ROLES.findLast(role => scopes.includes(SCOPES_OF_ROLE[role].at(-1) ?? 'admin')) ?? null
}
