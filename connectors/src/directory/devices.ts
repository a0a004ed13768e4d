import { BackupError, hint, run } from '@telegram-backup/errors'
import type { RecordedBackup } from '#recorded-backup.ts'

export interface DevicesRecord {
  device_count: number
  /** The first of them, as their names are shown. */
  devices: string[]
}

/**
 * How many there are, and one of them; undefined for none or an unknown number. The record is not trusted.
 */
export function readDevices(
  source: Record<string, unknown> | null | undefined,
): { words: string } | undefined {
  const count = source?.['device_count']
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) return undefined
  const devices: unknown = source?.['devices']
  const path: unknown = Array.isArray(devices) ? devices[0] : undefined
  const example = typeof path === 'string' ? `, for example ${path.slice(0, 200)}` : ''
  return { words: `${count} ${count === 1 ? 'device' : 'devices'}${example}` }
}

/** Throws `CONFIGURATION` for a backup with devices, by its record, unless this user is root. */
export function assertMayMakeDevices({ id, source }: Pick<RecordedBackup, 'id' | 'source'>): void {
  const known = readDevices(source)
  if (known === undefined || process.geteuid?.() === 0) return
  throw new BackupError(`The backup holds ${known.words}, which only root can create`, {
    code: 'CONFIGURATION',
    hint: hint`Restore as root. Or get the tar file (${run('fetch', id, { out: 'FILE' })}) and unpack it without the devices.`,
  })
}
