import { readIdentityFile, recipientOf } from '@telegram-backup/archive'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { Config } from '#environment.ts'

export { generateIdentity } from '@telegram-backup/archive'

/** The text of a key file. */
export function keyFileText({ identity, recipient }: { identity: string; recipient: string }): string {
  return `# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity}\n`
}

/** The private keys that open a backup. Throws `CONFIGURATION` when it needs one and none is configured. */
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

/** The public keys (`age1…`) of the configured key file; none without one. Throws what reading it throws. */
export async function ownRecipients({ identityFile }: Pick<Config, 'identityFile'>): Promise<string[]> {
  if (identityFile === undefined) return []
  return Promise.all((await readIdentityFile(identityFile)).map(recipientOf))
}
