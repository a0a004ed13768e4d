import { BackupError, hint, run } from '@telegram-backup/errors'
import { readDevices } from '#directory/pack/devices.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

/** Throws `CONFIGURATION` for a backup with devices, by its record, unless this user is root. */
export function assertMayMakeDevices({ id, source }: Pick<RecordedBackup, 'id' | 'source'>): void {
  const known = readDevices(source)
  if (known === undefined || process.geteuid?.() === 0) return
  throw new BackupError(`The backup holds ${known.words}, which nobody but root can make`, {
    code: 'CONFIGURATION',
    hint: hint`Restore it as root; or take its tar file (${run('fetch', id, { out: 'FILE' })}) and unpack that without them.`,
  })
}
