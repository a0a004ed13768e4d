/** What a key may do; `admin` contains the others. */
export type ApiScope = 'read' | 'backup' | 'restore' | 'admin'

export const API_SCOPES: readonly ApiScope[] = ['read', 'backup', 'restore', 'admin']

/** A key of the HTTP API; the key itself is not stored. */
export interface ApiKey {
  id: string
  name: string
  /** The first characters of the key, so that a person recognises it. */
  prefix: string
  scopes: ApiScope[]
  /** Null: all projects. */
  project_id: string | null
  created_at: Date
  expires_at: Date | null
  last_used_at: Date | null
  revoked_at: Date | null
}
