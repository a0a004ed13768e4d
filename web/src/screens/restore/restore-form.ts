import type { BackupDetails } from '#api/generated/types.gen.ts'

/** What a backup becomes again: a database, a directory, or the one file that was sent. */
export type RestoreForm = 'database' | 'directory' | 'file'

type Restorable = Pick<BackupDetails, 'source' | 'type' | 'filename'>

/** By its record, or else by its file name, as the server decides it. */
export function restoreFormOf(backup: Restorable): RestoreForm {
  const kind = kindOf(backup)
  if (kind === 'directory') return 'directory'
  if (kind === 'postgres' || kind === 'postgres-cluster') return 'database'
  if (backup.filename?.endsWith('.tar')) return 'directory'
  return backup.type === 'database' ? 'database' : 'file'
}

/** The kind of its source, as it was recorded. */
export function kindOf({ source }: Pick<BackupDetails, 'source'>): string | undefined {
  const kind = source?.['kind']
  return typeof kind === 'string' ? kind : undefined
}
