import { readIdentityFile, recipientOf } from '@telegram-backup/archive'
import type { Config } from '#environment.ts'

/**
 * The public keys (`age1…`) of the configured key file; none without one. Throws what `readIdentityFile`
 * throws.
 */
export async function ownRecipients({ identityFile }: Pick<Config, 'identityFile'>): Promise<string[]> {
  if (identityFile === undefined) return []
  return Promise.all((await readIdentityFile(identityFile)).map(recipientOf))
}
