import type { Alert } from '@telegram-backup/database'

/** An alert as a key may see it. */
export function alertView({ key, kind, since, details }: Alert): object {
  return { id: key, kind, project_id: details['project'] ?? null, since }
}
