import { type BackupGroup, type Database, findGroup } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { findBackup } from '#operations/find-backup.ts'

const GROUP = /^group:(.*)$/s

/** What follows `group:` when the words name a group; undefined when they name a backup. */
export function groupWords(id: string): string | undefined {
  return GROUP.exec(id.trim())?.[1]
}

/**
 * The group with that id, or with the id that begins so (at least eight characters), or that a backup belongs
 * to: its id, `latest`, `latest:SOURCE`. Throws `NOT_FOUND`, and `USAGE` for words that name several.
 */
export async function findBackupGroup(
  database: Database,
  { id, before }: { id: string; before?: Date | undefined },
  hooks: { note?: ((line: string) => void) | undefined } = {},
): Promise<BackupGroup> {
  const direct = before === undefined ? await findGroup(database, id.trim()) : null
  if (direct !== null) return direct
  const backup = await findBackup(database, { id, before }, { ...hooks, isOneOfGroupMeant: true })
  const group = backup.group_id === null ? null : await findGroup(database, backup.group_id)
  if (group !== null) return group
  throw new BackupError(`Backup ${backup.id} belongs to no group`, {
    code: 'NOT_FOUND',
    hint: hint`Only a source that consists of several, such as a PostgreSQL cluster, makes groups; ${run('show', backup.id)} shows what this backup is of.`,
  })
}
