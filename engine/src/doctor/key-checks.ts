import { assertRecipient } from '@telegram-backup/archive'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { ownRecipients } from '#age-keys.ts'
import type { CheckScope, Finding } from '#doctor/check.ts'
import { isThere } from '#durable-files.ts'
import { ownSigner } from '#recovery-card/card-facts.ts'
import { notConfirmed, readRecoveryKeyRecord, recoveryKeyInUse } from '#recovery-key.ts'
import { count } from '#units/human-units.ts'

/** Whether backups are encrypted, and for which keys. */
export async function checkEncryption({ config }: CheckScope): Promise<Finding> {
  const { encryption } = config
  if (encryption === 'off') {
    return {
      message: 'switched off',
      warning: 'Everyone in the chat can read the backups; unset BACKUP_ENCRYPTION.',
    }
  }
  if (encryption === undefined) {
    const [own] = await ownRecipients(config).catch(() => [])
    throw new BackupError('No public key is configured', {
      code: 'CONFIGURATION',
      hint: own
        ? `Set BACKUP_AGE_RECIPIENTS=${own}, which belongs to the key file.`
        : hint`Run "${run('init')}": it makes the keys. Or run "${run('keygen', { out: 'backup-key.txt' })}" and set BACKUP_AGE_RECIPIENTS to the public key it prints.`,
    })
  }
  for (const recipient of encryption.recipients) assertRecipient(recipient)
  return { message: `to ${count(encryption.recipients.length, 'public key')}` }
}

/** The key file that decrypts backups, if there is one here. */
export async function checkIdentity({ config }: CheckScope): Promise<Finding> {
  if (config.identityFile === undefined) {
    return {
      message: 'none configured here',
      warning:
        'Sending works without it. To get a backup back, set BACKUP_AGE_IDENTITY_FILE; keep the file off this server.',
    }
  }
  const own = await ownRecipients(config)
  const { encryption } = config
  if (typeof encryption === 'object' && !encryption.recipients.some(recipient => own.includes(recipient))) {
    return {
      message: 'readable',
      warning:
        'The key file matches no public key in BACKUP_AGE_RECIPIENTS, so it cannot decrypt new backups.',
    }
  }
  if (typeof encryption !== 'object') return { message: 'readable' }
  const record = await readRecoveryKeyRecord(config).catch(() => undefined)
  if (
    record !== undefined &&
    !own.includes(record.recipient) &&
    encryption.recipients.includes(record.recipient)
  )
    return { message: 'the drill key; it decrypts new backups, and stays here for proofs' }
  return {
    message: 'readable, and decrypts new backups',
    // A thief of the server would have the key as well.
    warning: 'Keep a copy on another machine. A server that only sends needs no key file: remove it there.',
  }
}

/**
 * Whether a copy of the recovery key that the set-up made is elsewhere, as far as anybody said so. Undefined
 * where the set-up made no key.
 */
export async function checkRecoveryKey({ config }: Pick<CheckScope, 'config'>): Promise<Finding | undefined> {
  const record = await recoveryKeyInUse(config)
  if (record === undefined) return undefined
  const { confirmed_at: confirmedAt, confirmed_by: by, file } = record
  if (confirmedAt === null)
    return { message: 'recovery key not confirmed', warning: notConfirmed(record, config) }
  const message = `confirmed on ${confirmedAt.slice(0, 10)}`
  if (by !== 'said at once' || !(await isThere(file))) return { message }
  return { message, warning: `Its file is still on this machine: move ${file} to another one.` }
}

export async function checkSigningKey({ config }: CheckScope): Promise<Finding> {
  const { signingKeyFile } = config
  const message = (await ownSigner(signingKeyFile)) ?? `none yet; the first send creates ${signingKeyFile}`
  return { message }
}
