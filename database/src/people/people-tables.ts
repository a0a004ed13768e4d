import type { ColumnType, Generated } from 'kysely'
import type { JsonObject } from '#jobs/types.backup.ts'
import type { ChallengeKind, Factor, Role } from '#people/types.person.ts'

export interface PeopleTable {
  id: Generated<string>
  name: string
  name_key: string
  role: Role
  project_id: string | null
  password_hash: ColumnType<string | null, undefined, string>
  created_at: Generated<Date>
  removed_at: ColumnType<Date | null, undefined, Date>
}

export interface SignInLinksTable {
  link_hash: Buffer
  person_id: string
  created_at: Generated<Date>
  expires_at: Date
  used_at: ColumnType<Date | null, undefined, Date>
}

export interface SessionsTable {
  id: Generated<string>
  session_hash: Buffer
  person_id: string
  factors: Factor[]
  factor_at: Generated<Date>
  user_agent: string | null
  address: string | null
  created_at: Generated<Date>
  last_used_at: Generated<Date>
  expires_at: Date
  revoked_at: ColumnType<Date | null, undefined, Date>
}

export interface PasskeysTable {
  id: Generated<string>
  person_id: string
  name: string
  credential_id: string
  public_key: Buffer
  counter: ColumnType<number, number, number>
  transports: string[]
  rp_id: string
  created_at: Generated<Date>
  last_used_at: ColumnType<Date | null, undefined, Date>
}

export interface SignInChallengesTable {
  challenge_hash: Buffer
  kind: ChallengeKind
  person_id: string | null
  details: ColumnType<JsonObject, string, never>
  expires_at: Date
}

export interface IdentitiesTable {
  issuer: string
  subject: string
  person_id: string
  created_at: Generated<Date>
  last_used_at: Generated<Date>
}
