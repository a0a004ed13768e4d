import { join } from 'node:path'
import { generateIdentity, readIdentityFile, recipientOf } from '@telegram-backup/archive'
import { ownRecipients } from '#age-keys.ts'
import { createFile, isThere } from '#durable-files.ts'
import { type RecoveryKeyRecord, readRecoveryKeyRecord, writeRecoveryKeyRecord } from '#recovery-key.ts'
import { makeFolder } from '#setup/open-folder.ts'
import type { Setup, Staged } from '#setup/setup.ts'
import { count } from '#units/human-units.ts'

/** The key whose copy is kept elsewhere, and whose file leaves this machine. */
export const RECOVERY_KEY_FILE = 'backup-key.txt'
/** The key that stays on this machine, for scheduled proofs. */
export const DRILL_KEY_FILE = 'drill-key.txt'

export interface KnownKeys {
  recipients: readonly string[] | 'off'
  /** A key file of this machine that decrypts new backups. */
  proofKeyFile: string | undefined
  /** The key that a set-up made or found in its folder; undefined when the keys are the user's own. */
  recovery: RecoveryKey | undefined
  /** The key that stays here, if a set-up made one. */
  drill: { recipient: string; file: string } | undefined
}

export interface RecoveryKey {
  recipient: string
  file: string
  /** This run made it, so that nobody can have copied it before. */
  isNew: boolean
}

/**
 * Makes a recovery key and a drill key, unless public keys are configured. The files are on disk before the
 * settings name their public keys: no backup is ever encrypted for a key that a crash has lost.
 */
export async function setUpKeys(setup: Setup): Promise<Staged<KnownKeys>> {
  const { encryption } = setup.settings.config()
  if (encryption === 'off') {
    return {
      state: 'there',
      message: 'none: BACKUP_ENCRYPTION is off, and everyone in the chat can read the backups',
      result: { recipients: 'off', proofKeyFile: undefined, recovery: undefined, drill: undefined },
    }
  }
  return encryption === undefined ? await makeKeys(setup) : await findKeys(setup, encryption.recipients)
}

async function findKeys(setup: Setup, recipients: readonly string[]): Promise<Staged<KnownKeys>> {
  const { settings, folder } = setup
  const config = settings.config()
  const isOurs = (key: { recipient: string } | undefined): boolean =>
    key !== undefined && recipients.includes(key.recipient)
  const file = join(folder, RECOVERY_KEY_FILE)
  const [record, own, drill] = await Promise.all([
    readRecoveryKeyRecord(config),
    keyIn(file),
    keyIn(join(folder, DRILL_KEY_FILE)),
  ])
  const recovery = isOurs(own) ? own : isOurs(record) ? record : undefined
  if (recovery !== undefined && recovery.recipient !== record?.recipient) await remember(setup, recovery)
  const drillFile = isOurs(drill) ? drill?.file : undefined
  const recoveryFile = recovery !== undefined && (await isThere(recovery.file)) ? recovery.file : undefined
  return {
    state: 'there',
    message: `new backups are encrypted for ${count(recipients.length, 'public key')}`,
    result: {
      recipients,
      proofKeyFile: config.identityFile ?? drillFile ?? recoveryFile,
      recovery: recovery && { recipient: recovery.recipient, file: recovery.file, isNew: false },
      drill: isOurs(drill) ? drill : undefined,
    },
  }
}

async function makeKeys(setup: Setup): Promise<Staged<KnownKeys>> {
  const { settings, answers, folder } = setup
  const config = settings.config()
  const record = await readRecoveryKeyRecord(config)
  const file = join(folder, RECOVERY_KEY_FILE)
  // A set-up that was interrupted, or one whose settings were lost, has left a key or its record.
  const found = (await keyIn(file)) ?? record
  const recovery = found ?? (await makeKey(file, 'The recovery key: keep a copy on another machine.'))
  if (recovery.recipient !== record?.recipient) await remember(setup, recovery)
  const stays = config.identityFile === undefined ? await drillKey(setup) : undefined
  const others = stays === undefined ? await ownRecipients(config) : [stays.recipient]
  const recipients = [...new Set([recovery.recipient, ...others])]
  await settings.save({
    BACKUP_AGE_RECIPIENTS: recipients.join(','),
    BACKUP_AGE_IDENTITY_FILE: stays?.file,
  })
  const also = stays === undefined ? '' : `, and a drill key in ${stays.file}, which stays`
  return {
    state: 'made',
    message: `${found === undefined ? 'a' : 'the'} recovery key in ${recovery.file}${also}${answers.wantsDrillKey ? '' : '; no drill key'}`,
    result: {
      recipients,
      proofKeyFile:
        config.identityFile ?? stays?.file ?? ((await isThere(recovery.file)) ? recovery.file : undefined),
      recovery: { recipient: recovery.recipient, file: recovery.file, isNew: found === undefined },
      drill: stays,
    },
  }
}

async function drillKey({ answers, folder }: Setup): Promise<KnownKey | undefined> {
  const file = join(folder, DRILL_KEY_FILE)
  if (!answers.wantsDrillKey) return undefined
  return (
    (await keyIn(file)) ??
    (await makeKey(file, 'The drill key: it stays on this machine, for scheduled proofs.'))
  )
}

interface KnownKey {
  recipient: string
  file: string
}

/** The first key of a file; undefined without a file. Throws `CONFIGURATION` for a file without a key. */
async function keyIn(file: string): Promise<KnownKey | undefined> {
  if (!(await isThere(file))) return undefined
  const [identity = ''] = await readIdentityFile(file)
  return { recipient: await recipientOf(identity), file }
}

async function makeKey(file: string, words: string): Promise<KnownKey> {
  const { identity, recipient } = await generateIdentity()
  const text = `# created: ${new Date().toISOString()}\n# public key: ${recipient}\n# ${words}\n${identity}\n`
  const isMade = await createFile(file, text)
  // Somebody has put a key there at this moment: that one counts.
  return isMade ? { recipient, file } : ((await keyIn(file)) as KnownKey)
}

async function remember({ settings }: Setup, { recipient, file }: KnownKey): Promise<void> {
  const config = settings.config()
  await makeFolder(config.stateFolder)
  const record: RecoveryKeyRecord = {
    ...{ recipient, file, made_at: new Date().toISOString() },
    ...{ announced_at: null, confirmed_at: null, confirmed_by: null },
  }
  await writeRecoveryKeyRecord(config, record)
}
