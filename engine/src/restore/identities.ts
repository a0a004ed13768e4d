import { readIdentityFile } from '@telegram-backup/archive'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { Config } from '#environment.ts'

/** The keys that open a backup. Throws `CONFIGURATION` when it needs one and none is configured. */
export async function readIdentities(config: Config, encrypted: boolean): Promise<string[]> {
  if (!encrypted) return []
  if (config.identityFile === undefined) {
    throw new BackupError('The backup is encrypted, and no key file is configured', {
      code: 'CONFIGURATION',
      hint: hint`Set BACKUP_AGE_IDENTITY_FILE to the key file that "${run('keygen')}" wrote.`,
    })
  }
  return readIdentityFile(config.identityFile)
}
