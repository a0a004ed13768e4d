import {
  type ApiKey,
  type ApiScope,
  actorName,
  SCOPES_OF_ROLE,
  type Session,
  type SignedIn,
} from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'

/** What somebody may do. */
interface Rights {
  scopes: readonly ApiScope[]
  /** Null: all projects. */
  project_id: string | null
}

/** Who asks over HTTP: a program with a key, or a person with a session. */
export interface Caller extends Rights {
  kind: 'key' | 'person'
  /** Of the key or the person. */
  id: string
  name: string
  created_at: Date
  /** When the key expires; null for one that does not, and for a person. */
  expires_at: Date | null
  /** Of a person alone. */
  session?: Session
  hasPassword?: boolean
}

export function callerOfKey(key: ApiKey): Caller {
  const { id, name, scopes, project_id, created_at, expires_at } = key
  return { kind: 'key', id, name, scopes, project_id, created_at, expires_at }
}

export function callerOfSession({ person, session }: SignedIn): Caller {
  const { id, name, role, project_id, created_at, has_password: hasPassword } = person
  const scopes = SCOPES_OF_ROLE[role]
  return { kind: 'person', id, name, scopes, project_id, created_at, expires_at: null, session, hasPassword }
}

/** The name in the history, in jobs and in the audit. */
export function actorOf(caller: Pick<Caller, 'kind' | 'id' | 'name'>): string {
  return actorName(caller.kind, caller)
}

/** The session of a person. Throws `FORBIDDEN` for a key. */
export function ownSession({ session }: Caller): Session {
  if (session !== undefined) return session
  throw new BackupError('A key has no session', { code: 'FORBIDDEN', hint: 'Sign in as a person for this.' })
}

/** Whether somebody has the scope; `admin` has all. */
export function hasScope({ scopes }: Pick<Rights, 'scopes'>, scope: ApiScope): boolean {
  return scopes.includes(scope) || scopes.includes('admin')
}

/** Throws `FORBIDDEN`. */
export function assertScope(caller: Pick<Caller, 'scopes' | 'kind'>, scope: ApiScope): void {
  if (hasScope(caller, scope)) return
  if (caller.kind === 'person') {
    throw new BackupError(`Your role lacks the scope "${scope}"`, {
      code: 'FORBIDDEN',
      hint: 'Ask an administrator for another role.',
    })
  }
  throw new BackupError(`This key lacks the scope "${scope}"`, {
    code: 'FORBIDDEN',
    hint: hint`Make a key with it: ${run('apikey create')}.`,
  })
}

/** Whether somebody sees what belongs to that project; null stands for what concerns all projects. */
export function sees({ project_id }: Pick<Rights, 'project_id'>, projectId: string | null): boolean {
  return project_id === null || project_id === projectId
}

/** How long an act that needs a factor may come after it. */
export const FACTOR_LASTS_MS = 300_000

/**
 * For acts that cannot be undone, or give away rights: a person must have proved who they are within the last
 * five minutes. A key always may. Throws `FACTOR_NEEDED`.
 */
export function assertRecentFactor({ session, hasPassword = false }: Caller): void {
  if (session === undefined || Date.now() - session.factor_at.getTime() <= FACTOR_LASTS_MS) return
  throw new BackupError('This needs another proof that it is you: the last one is older than five minutes', {
    code: 'FACTOR_NEEDED',
    hint: hasPassword
      ? 'Give your password again or use a passkey, then repeat this within five minutes.'
      : session.factors.some(factor => factor === 'passkey' || factor === 'oidc')
        ? 'Use a passkey again or sign in again, then repeat this within five minutes.'
        : hint`Sign in with a new link, which ${run('user link', 'NAME')} prints, and set a password.`,
  })
}
