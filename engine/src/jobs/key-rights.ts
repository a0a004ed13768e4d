import type { ApiKey, ApiScope } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'

/** Whether a key has the scope; `admin` has all. */
export function hasScope({ scopes }: Pick<ApiKey, 'scopes'>, scope: ApiScope): boolean {
  return scopes.includes(scope) || scopes.includes('admin')
}

export function assertScope(key: ApiKey, scope: ApiScope): void {
  if (hasScope(key, scope)) return
  throw new BackupError(`This key lacks the scope "${scope}"`, {
    code: 'FORBIDDEN',
    hint: hint`Make a key with it: ${run('apikey create')}.`,
  })
}

/** Whether a key sees what belongs to that project; null stands for what concerns all projects. */
export function sees({ project_id }: Pick<ApiKey, 'project_id'>, projectId: string | null): boolean {
  return project_id === null || project_id === projectId
}
