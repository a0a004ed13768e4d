import { type ApiKey, type ApiScope, createApiKey, type Database } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { type Caller, hasScope, sees } from '#access/caller.ts'

/** Keys in use of one project, or of those for all projects, that requests may make. */
const MOST_KEYS = 500

export interface KeyRequest {
  name: string
  scopes: readonly ApiScope[]
  /** Without one: the project of who asks. */
  projectId?: string | undefined
  /** Without one: when the key that asks expires, if it does. */
  expiresAt?: Date | undefined
}

/**
 * Makes a key for a caller, who may give away no right that they lack: no other scope, no other
 * project, no longer life. Only this call returns the new key. Throws `FORBIDDEN`, `INVALID`, and `CONFLICT`
 * when there are too many.
 */
export async function makeKey(
  database: Database,
  by: Caller,
  { name, scopes, projectId, expiresAt }: KeyRequest,
): Promise<{ apiKey: ApiKey; key: string }> {
  const project = projectId ?? by.project_id ?? undefined
  const missing = scopes.find(scope => !hasScope(by, scope))
  if (missing !== undefined || !sees(by, project ?? null)) {
    throw new BackupError('Nobody can make a key that may do more than themselves', { code: 'FORBIDDEN' })
  }
  const until = expiresAt ?? by.expires_at ?? undefined
  if (by.expires_at !== null && until !== undefined && until > by.expires_at) {
    throw new BackupError('A key cannot make a key that outlives itself', {
      code: 'FORBIDDEN',
      hint: `Ask for ${by.expires_at.toISOString()} at the latest.`,
    })
  }
  return await createApiKey(database, {
    ...{ name, scopes, projectId: project, expiresAt: until },
    most: MOST_KEYS,
  })
}
