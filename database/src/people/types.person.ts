import type { ApiScope } from '#keys/types.key.ts'

/** What a person may do; each role contains the ones before it. */
export type Role = 'viewer' | 'operator' | 'restorer' | 'admin'

/** The lowest first. */
export const ROLES: readonly Role[] = ['viewer', 'operator', 'restorer', 'admin']

/** The scopes of an API key that may do the same. */
export const SCOPES_OF_ROLE: Readonly<Record<Role, readonly ApiScope[]>> = {
  viewer: ['read'],
  operator: ['read', 'backup'],
  restorer: ['read', 'backup', 'restore'],
  admin: ['read', 'backup', 'restore', 'admin'],
}

/** Somebody who signs in to the page. */
export interface Person {
  id: string
  name: string
  role: Role
  /** Null: all projects. */
  project_id: string | null
  /** Whether a password is set. */
  has_password: boolean
  created_at: Date
  /** When a session of the person was last used; null if none is known. */
  last_seen_at: Date | null
}

/** What people prove with who they are. */
export type Factor = 'link' | 'password' | 'passkey' | 'oidc'

/** All of them. */
export const FACTORS: readonly Factor[] = ['link', 'password', 'passkey', 'oidc']

/** What was asked: to add a passkey, to prove with one who one is, or to come back from a provider. */
export type ChallengeKind = 'passkey.add' | 'passkey.use' | 'oidc'

/** A browser in which somebody has signed in. */
export interface Session {
  id: string
  person_id: string
  /** What the person proved who they are with, in this session. */
  factors: Factor[]
  /** When they did so last. */
  factor_at: Date
  /** What the browser says of itself, shortened. */
  user_agent: string | null
  address: string | null
  created_at: Date
  last_used_at: Date
  /** When it ends unless it is used before, and at the latest. */
  expires_at: Date
}

/** A session, and whose it is. */
export interface SignedIn {
  person: Person
  session: Session
}

/** What a new session records of its browser. */
export interface BrowserFacts {
  userAgent?: string | undefined
  address?: string | undefined
}

/** A passkey, as its person sees it. */
export interface Passkey {
  id: string
  name: string
  /** The host name for which the browser made it, and where alone it works. */
  rp_id: string
  created_at: Date
  last_used_at: Date | null
}
