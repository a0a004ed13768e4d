import { assertRecipient, readIdentityFile, recipientOf } from '@telegram-backup/archive'
import { checkChatAccess } from 'telegram-deployment-bot'
import { exitCodeOf } from '#cli/exit-codes.ts'
import type { Config } from '#config.ts'
import { findPgDump } from '#doctor/pg-dump-version.ts'
import { BackupError, describeError } from '#lib/backups/backup-error.ts'
import { openCatalog, openTelegram } from '#wiring.ts'

/** One thing that was looked at. */
export interface Check {
  name: string
  state: 'ok' | 'warning' | 'failed'
  message: string
  /** How to mend it. */
  hint?: string
  /** Of a failed check. */
  exitCode?: number
}

interface Finding {
  message: string
  warning?: string
}

/** Looks at everything that a backup needs, all at once, and changes nothing but the catalog's schema. */
export async function runChecks(config: Config, signal: AbortSignal): Promise<Check[]> {
  return Promise.all([
    check('chat', () => checkChat(config, signal)),
    check('encryption', () => checkEncryption(config)),
    check('key file', () => checkIdentity(config)),
    check('catalog', () => checkCatalog(config, signal)),
    check('pg_dump', () => findPgDump(signal)),
  ])
}

async function check(name: string, look: () => Promise<Finding>): Promise<Check> {
  try {
    const { message, warning } = await look()
    return {
      name,
      message,
      state: warning === undefined ? 'ok' : 'warning',
      ...(warning ? { hint: warning } : {}),
    }
  } catch (error) {
    const { message, hint } = describeError(error)
    return { name, state: 'failed', message, ...(hint ? { hint } : {}), exitCode: exitCodeOf(error) }
  }
}

async function checkChat(config: Config, signal: AbortSignal): Promise<Finding> {
  const client = await openTelegram(config)
  if (config.chatId === undefined) {
    throw new BackupError('No chat is configured', {
      code: 'CONFIGURATION',
      hint: 'Set TELEGRAM_CHAT_ID; the README tells how to find a channel’s id.',
    })
  }
  const access = await checkChatAccess(client, config.chatId, { signal })
  const message = `bot @${access.botUsername} may send to the ${access.chatType} "${access.chatTitle}"`
  if (access.missingRights.length === 0) return { message }
  return {
    message,
    warning: `Erasing and recovery need more; let the bot also: ${access.missingRights.join(', ')}.`,
  }
}

async function checkEncryption(config: Config): Promise<Finding> {
  const { encryption } = config
  if (encryption === 'off') {
    return {
      message: 'off by name',
      warning: 'Everyone in the chat can read the backups; unset BACKUP_ENCRYPTION.',
    }
  }
  if (encryption === undefined) {
    throw new BackupError('No public key is configured', {
      code: 'CONFIGURATION',
      hint: 'Run "telegram-backup keygen --out backup-key.txt" and set BACKUP_AGE_RECIPIENTS to the public key it prints.',
    })
  }
  for (const recipient of encryption.recipients) assertRecipient(recipient)
  return { message: `to ${encryption.recipients.length} public key(s)` }
}

async function checkIdentity(config: Config): Promise<Finding> {
  if (config.identityFile === undefined) {
    return {
      message: 'none configured here',
      warning:
        'Sending works without it. To get a backup back, set BACKUP_AGE_IDENTITY_FILE; keep the file off this server.',
    }
  }
  const identities = await readIdentityFile(config.identityFile)
  const own = await Promise.all(identities.map(recipientOf))
  const { encryption } = config
  if (typeof encryption === 'object' && !encryption.recipients.some(recipient => own.includes(recipient))) {
    return {
      message: 'readable',
      warning:
        'It opens none of the public keys in BACKUP_AGE_RECIPIENTS, so it cannot open what is sent now.',
    }
  }
  return { message: 'readable, and opens what is sent now' }
}

async function checkCatalog(config: Config, signal: AbortSignal): Promise<Finding> {
  const database = await openCatalog(config, signal)
  try {
    return { message: `ready in ${database.location}` }
  } finally {
    await database.close()
  }
}
