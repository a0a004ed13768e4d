import type { ColumnType, Generated } from 'kysely'
import type { Factor, Role } from '#people/types.person.ts'

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
