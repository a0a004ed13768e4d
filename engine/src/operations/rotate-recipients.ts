import { readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { loadOrCreateSigningKey, readIdentityFile, recipientOf } from '@telegram-backup/archive'
import { addToAudit, countEncrypted, type EncryptedBackups } from '@telegram-backup/database'
import { BackupError, hint, option } from '@telegram-backup/errors'
import type { ReportedReason } from '@telegram-backup/vault/session/report.ts'
import { generateIdentity, keyFileText, ownRecipients } from '#age-keys.ts'
import type { StoredSetting } from '#config/stored-setting.ts'
import { isThere, replaceFile } from '#durable-files.ts'
import type { Engine, Watching } from '#engine.ts'
import { notConfirmed, readRecoveryKeyRecord, writeRecoveryKeyRecord } from '#recovery-key.ts'
import { resealIndexes } from '#rotation/reseal-indexes.ts'

export interface RecipientsRequest {
  /** The public key to replace; may be left out if there is only one. */
  replace?: string | undefined
  /** The public key that takes its place; without it, a new key pair is made. */
  recipient?: string | undefined
  /** Where the new private key is written. A file that an interrupted run has written is used. */
  keyFile?: string | undefined
}

/** What a change of keys will do. */
export interface RecipientsPlan {
  /** The public key that new backups no longer use. */
  replaced: string
  /** The key file of this machine holds the private key of `replaced`: the new one is added to it. */
  identityFile: string | undefined
  /** Where the private key of the replaced recovery key still is on this machine. */
  oldKeyFile: string | undefined
  /** The backups that only the old keys open. */
  old: EncryptedBackups
}

export interface RecipientsRotated extends RecipientsPlan {
  recipient: string
  /** All public keys that new backups use. */
  recipients: readonly string[]
  keyFile: string | undefined
  /** If it replaces the recovery key of the set-up: how to confirm that it is saved. */
  toConfirm: string | undefined
  /** The file that holds the setting. */
  path: string
  /** Chats whose index is not encrypted for the new key yet. */
  left: ReportedReason[]
}

type Rotating = Omit<Engine, 'service'>

/** Throws `CONFIGURATION` without encryption, and `USAGE` when it is unclear which key is replaced. */
export async function planRecipients(
  { config, database }: Pick<Rotating, 'config' | 'database'>,
  { replace, recipient, keyFile }: RecipientsRequest,
): Promise<RecipientsPlan> {
  const current = currentRecipients(config)
  const own = await ownRecipients(config)
  const record = await readRecoveryKeyRecord(config)
  const [only, ...others] = current
  const replaced = replace ?? (others.length === 0 ? only : undefined)
  if (replaced === undefined || !current.includes(replaced)) {
    const named = (key: string): string => {
      if (key === record?.recipient) return `${key} (the recovery key)`
      return own.includes(key) ? `${key} (the key of this machine)` : key
    }
    throw new BackupError(
      replaced === undefined
        ? 'Backups are encrypted for several public keys: say which one to replace'
        : 'New backups are not encrypted for that key',
      {
        code: 'USAGE',
        hint: hint`Add ${option('replace', 'KEY')} with one of: ${current.map(named).join(', ')}.`,
      },
    )
  }
  const { identityFile } = config
  const isOwn = own.includes(replaced)
  if (recipient === undefined && keyFile === undefined && !isOwn) {
    throw new BackupError('No file is named for the new private key', {
      code: 'USAGE',
      hint: hint`Add ${option('out', 'FILE')}; keep a copy of the file on another machine. Or name a public key with ${option('recipient', 'KEY')}.`,
    })
  }
  if (recipient !== undefined && current.includes(recipient))
    throw new BackupError('New backups are encrypted for that key already', { code: 'USAGE' })
  if (isOwn && identityFile !== undefined && !(await stat(identityFile)).isFile()) {
    throw new BackupError('The key file of this machine is a pipe, so no key can be added to it', {
      code: 'CONFIGURATION',
      hint: 'Set BACKUP_AGE_IDENTITY_FILE to a file.',
    })
  }
  return {
    replaced,
    identityFile: isOwn && recipient === undefined ? identityFile : undefined,
    oldKeyFile: record?.recipient === replaced && (await isThere(record.file)) ? record.file : undefined,
    old: await countEncrypted(database),
  }
}

/**
 * Replaces a public key for new backups. The private key is on the disk first, then the index in the chat is
 * encrypted for the new keys, and only then the setting changes: an interruption leaves the old key at work.
 */
export async function rotateRecipients(
  engine: Rotating,
  of: { request: RecipientsRequest; plan: RecipientsPlan; stored: StoredSetting },
  hooks: Watching,
): Promise<RecipientsRotated> {
  const { request, plan, stored } = of
  const { config, database } = engine
  const current = currentRecipients(config)
  const recipient = request.recipient ?? (await newKey(request.keyFile, plan, current))
  const recipients = current.map(key => (key === plan.replaced ? recipient : key))
  const signingKey = await loadOrCreateSigningKey(config.signingKeyFile)
  const left = await resealIndexes(engine, { encryption: { recipients }, signingKey }, hooks)
  const toConfirm = await noteRecoveryKey(config, { plan, recipient, keyFile: request.keyFile })
  await addToAudit(database.kysely, {
    ...{ actor: database.actor, act: 'recipients.rotate', object: recipient, projectId: null },
    details: { before: plan.replaced },
  })
  await stored.replace(recipients.join(','))
  return { ...plan, recipient, recipients, toConfirm, keyFile: request.keyFile, path: stored.path, left }
}

/** A recovery key that takes the place of another one is not confirmed yet. */
async function noteRecoveryKey(
  config: Rotating['config'],
  of: { plan: RecipientsPlan; recipient: string; keyFile: string | undefined },
): Promise<string | undefined> {
  const { plan, recipient, keyFile } = of
  const record = await readRecoveryKeyRecord(config)
  if (keyFile === undefined) return undefined
  // An interrupted run has recorded it.
  if (record?.recipient === recipient) return notConfirmed(record, config)
  if (record?.recipient !== plan.replaced) return undefined
  const now = new Date().toISOString()
  // The key may be written anywhere; the set-up that confirms it stays where it was.
  const place = { file: resolve(keyFile), folder: record.folder ?? dirname(record.file) }
  await writeRecoveryKeyRecord(config, {
    ...{ recipient, ...place, made_at: now, announced_at: now },
    ...{ confirmed_at: null, confirmed_by: null },
  })
  return notConfirmed(place, config)
}

function currentRecipients({ encryption }: Rotating['config']): readonly string[] {
  if (encryption !== undefined && encryption !== 'off') return encryption.recipients
  throw new BackupError('Backups are not encrypted for any key, so there is none to change', {
    code: 'CONFIGURATION',
    hint: 'Set BACKUP_AGE_RECIPIENTS, as for sending.',
  })
}

/** The public key of a new key pair, or of the one that an interrupted run has made. */
async function newKey(
  keyFile: string | undefined,
  { identityFile }: RecipientsPlan,
  current: readonly string[],
): Promise<string> {
  const made = await generateIdentity()
  const text = keyFileText(made)
  let { recipient } = made
  if (keyFile !== undefined) {
    try {
      await writeFile(keyFile, text, { mode: 0o600, flag: 'wx', flush: true })
    } catch (cause) {
      recipient = await continuedKey(keyFile, { cause: cause as NodeJS.ErrnoException, current })
    }
  }
  if (identityFile === undefined) return recipient
  const held = await readFile(identityFile, 'utf8')
  const added = keyFile === undefined ? text : await readFile(keyFile, 'utf8')
  // The old keys stay: old backups are decrypted with them.
  if (!held.includes(added)) await replaceFile(identityFile, `${added}${held}`)
  return recipient
}

async function continuedKey(
  path: string,
  { cause, current }: { cause: NodeJS.ErrnoException; current: readonly string[] },
): Promise<string> {
  if (cause.code === 'EEXIST') {
    const identities = await readIdentityFile(path)
    const [recipient, another] = await Promise.all(identities.map(recipientOf))
    if (recipient !== undefined && another === undefined && !current.includes(recipient)) return recipient
  }
  throw new BackupError(
    cause.code === 'EEXIST'
      ? `${path} already exists, and holds a key that is in use or several keys`
      : `${path} cannot be written (${cause.code})`,
    { code: 'USAGE', hint: 'Name another file.', cause },
  )
}
