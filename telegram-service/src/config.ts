import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readSecretFile } from '@telegram-backup/archive/secret-file'
import { TelegramError } from '#telegram-error.ts'

export const PUBLIC_API_ROOT = 'https://api.telegram.org'

export interface TelegramConfig {
  token: string | undefined
  chatId: string | undefined
  /** Gets a copy of every message. */
  replicaChatId: string | undefined
  apiRoot: string | undefined
  partSizeBytes: number | undefined
  messagesPerMinute: number | undefined
  /** `'off'` only by BACKUP_ENCRYPTION. */
  encryption: { recipients: string[] } | 'off' | undefined
  identityFile: string | undefined
  signingKeyFile: string
  /** TELEGRAM_BACKUP_HOME, or the default of the user. */
  stateFolder: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** The text of a variable, which a file may name as a property that every object has. */
function textOf(environment: Environment, name: string): string | undefined {
  return Object.hasOwn(environment, name) ? environment[name]?.trim() : undefined
}

/**
 * A variable's value; undefined for an empty one. For a secret, `NAME_FILE` may name a file with it. Throws
 * `CONFIGURATION` when that file cannot be read.
 */
export function readVariable(
  environment: Environment,
  name: string,
  kind: 'plain' | 'secret' = 'plain',
): string | undefined {
  const value = textOf(environment, name)
  if (value) return value
  const file = kind === 'secret' ? textOf(environment, `${name}_FILE`) : undefined
  if (!file) return undefined
  try {
    return readSecretFile(file).trim() || undefined
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'CONFIGURATION' ? message : code
    throw new TelegramError(`${name}_FILE names a file that cannot be read (${reason})`, {
      code: 'CONFIGURATION',
      hint: `Set ${name}_FILE to a file that this user can read, or set ${name} itself.`,
    })
  }
}

/** Throws `CONFIGURATION`, naming the variable. */
export function readTelegramConfig(environment: Environment = process.env): TelegramConfig {
  const stateFolder = readStateFolder(environment)
  return {
    token: readVariable(environment, 'TELEGRAM_BOT_TOKEN', 'secret'),
    chatId: readVariable(environment, 'TELEGRAM_CHAT_ID'),
    replicaChatId: readVariable(environment, 'TELEGRAM_REPLICA_CHAT_ID'),
    apiRoot: readVariable(environment, 'TELEGRAM_API_ROOT'),
    partSizeBytes: readWhole(environment, 'TELEGRAM_PART_SIZE'),
    messagesPerMinute: readWhole(environment, 'TELEGRAM_MESSAGES_PER_MINUTE'),
    encryption: readEncryption(environment),
    identityFile: readVariable(environment, 'BACKUP_AGE_IDENTITY_FILE'),
    signingKeyFile:
      readVariable(environment, 'BACKUP_SIGNING_KEY_FILE') ?? join(stateFolder, 'signing-key.pem'),
    stateFolder,
  }
}

/** TELEGRAM_BACKUP_HOME, or the default of the user. Throws `CONFIGURATION`. */
export function readStateFolder(environment: Environment): string {
  const folder = readVariable(environment, 'TELEGRAM_BACKUP_HOME')
  if (folder === undefined) return defaultStateFolder()
  // A shell expands "~" only unquoted; nobody wants a folder of that name.
  if (folder === '~' || folder.startsWith('~/')) {
    throw new TelegramError('TELEGRAM_BACKUP_HOME begins with "~", which no shell has expanded', {
      code: 'CONFIGURATION',
      hint: 'Write the whole path.',
    })
  }
  return resolve(folder)
}

function defaultStateFolder(): string {
  if (process.getuid?.() === 0) return '/var/lib/telegram-backup'
  return join(homedir(), '.local', 'share', 'telegram-backup')
}

function readWhole(environment: Environment, name: string): number | undefined {
  const text = readVariable(environment, name)
  if (text === undefined) return undefined
  if (!/^\d{1,12}$/.test(text)) {
    throw new TelegramError(`${name} is not a whole number`, {
      code: 'CONFIGURATION',
      hint: `Set ${name} to digits alone, 12 at most, or leave it unset.`,
    })
  }
  return Number(text)
}

function readEncryption(environment: Environment): TelegramConfig['encryption'] {
  const mode = readVariable(environment, 'BACKUP_ENCRYPTION')
  const recipients = (readVariable(environment, 'BACKUP_AGE_RECIPIENTS') ?? '')
    .split(',')
    .map(recipient => recipient.trim())
    .filter(recipient => recipient !== '')
  if (mode !== undefined && mode !== 'off' && mode !== 'on') {
    throw new TelegramError('BACKUP_ENCRYPTION is neither "on" nor "off"', { code: 'CONFIGURATION' })
  }
  if (mode === 'off') return 'off'
  return recipients.length > 0 ? { recipients } : undefined
}
