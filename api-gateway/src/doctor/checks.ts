import { access } from 'node:fs/promises'
import {
  assertRecipient,
  DEFAULT_PART_SIZE_BYTES,
  loadOrCreateSigningKey,
  MIN_PART_SIZE_BYTES,
  signerFingerprint,
} from '@telegram-backup/archive'
import { type Database, queryBackups } from '@telegram-backup/database'
import { checkChatAccess, guardChat, PUBLIC_FETCH_LIMIT_BYTES } from 'telegram-deployment-bot'
import { exitCodeOf } from '#cli/exit-codes.ts'
import { count, formatBytes } from '#cli/human-units.ts'
import { clockDifference } from '#clock-check.ts'
import type { Config } from '#config.ts'
import { readConfigFile } from '#config-file.ts'
import { checkNotifications } from '#doctor/notification-check.ts'
import { checkConfigFile, checkPgDump, checkTar, type Finding } from '#doctor/source-checks.ts'
import { BackupError, describeError } from '#lib/backups/backup-error.ts'
import { createCatalogVault } from '#lib/backups/catalog-vault.ts'
import { ownRecipients } from '#own-recipients.ts'
import { describeUnserved } from '#schedules/unserved-sources.ts'
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

/**
 * Looks at everything that a backup needs, all at once. It sends nothing; an embedded catalog is made if there is none. Where a
 * setting cannot be read, that is told, with what needs none.
 */
export async function runChecks(readConfig: () => Config, signal: AbortSignal): Promise<Check[]> {
  const programs = [check('pg_dump', () => checkPgDump(signal)), check('tar', () => checkTar(signal))]
  let config: Config
  try {
    config = readConfig()
  } catch (error) {
    const { hint, ...settings } = failed('settings', error)
    const next = 'The rest is looked at when this can be read.'
    return Promise.all([{ ...settings, hint: hint === undefined ? next : `${hint} ${next}` }, ...programs])
  }
  return Promise.all([
    check('chat', () => checkChat(config, signal)),
    ...(config.replicaChatId === undefined
      ? []
      : [check('second chat', () => checkSecondChat(config, signal))]),
    check('part size', async () => checkPartSize(config)),
    check('encryption', () => checkEncryption(config)),
    check('key file', () => checkIdentity(config)),
    check('signing key', () => checkSigningKey(config)),
    check('catalog', () => checkCatalog(config, signal)),
    ...programs,
    check('sources', () => checkConfigFile(config)),
    check('notifications', () => checkNotifications(config)),
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
    return failed(name, error)
  }
}

function failed(name: string, error: unknown): Check {
  const { message, hint } = describeError(error)
  return { name, state: 'failed', message, ...(hint ? { hint } : {}), exitCode: exitCodeOf(error) }
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

async function checkSecondChat(config: Config, signal: AbortSignal): Promise<Finding> {
  const client = await openTelegram(config)
  try {
    const { chatTitle, chatType } = await checkChatAccess(client, String(config.replicaChatId), { signal })
    return { message: `the bot may copy to the ${chatType} "${chatTitle}"` }
  } catch (error) {
    const { message, code } = describeError(error)
    throw new BackupError(message, {
      code,
      hint: 'Check TELEGRAM_REPLICA_CHAT_ID, and make the bot an administrator there, too.',
    })
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
    const [own] = await ownRecipients(config).catch(() => [])
    throw new BackupError('No public key is configured', {
      code: 'CONFIGURATION',
      hint: own
        ? `Set BACKUP_AGE_RECIPIENTS=${own}, which belongs to the key file.`
        : 'Run "telegram-backup keygen --out backup-key.txt" and set BACKUP_AGE_RECIPIENTS to the public key it prints.',
    })
  }
  for (const recipient of encryption.recipients) assertRecipient(recipient)
  return { message: `to ${count(encryption.recipients.length, 'public key')}` }
}

/** Whoever takes the server takes the key along. */
const KEEP_APART = {
  warning: 'Keep a copy off this server, and on a server that only sends, no copy at all.',
}

async function checkIdentity(config: Config): Promise<Finding> {
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
        'It opens none of the public keys in BACKUP_AGE_RECIPIENTS, so it cannot open what is sent now.',
    }
  }
  if (typeof encryption !== 'object') return { message: 'readable' }
  return { message: 'readable, and opens what is sent now', ...KEEP_APART }
}

function checkPartSize(config: Config): Finding {
  const { partSizeBytes = DEFAULT_PART_SIZE_BYTES, apiRoot } = config
  if (partSizeBytes < MIN_PART_SIZE_BYTES) {
    throw new BackupError(`A part cannot have ${partSizeBytes} bytes`, {
      code: 'CONFIGURATION',
      hint: `Set TELEGRAM_PART_SIZE to at least ${MIN_PART_SIZE_BYTES}, or unset it.`,
    })
  }
  const message = `at most ${formatBytes(partSizeBytes)}`
  if (partSizeBytes <= PUBLIC_FETCH_LIMIT_BYTES) return { message }
  if (apiRoot === undefined) {
    throw new BackupError(`Parts of ${formatBytes(partSizeBytes)} could be sent, but never fetched back`, {
      code: 'CONFIGURATION',
      hint: 'Unset TELEGRAM_PART_SIZE: Telegram’s own server gives back no file over 20 MiB.',
    })
  }
  return {
    message,
    warning:
      'Only a Bot API server that runs with --local gives back such parts; the first one sent will tell.',
  }
}

async function checkSigningKey(config: Config): Promise<Finding> {
  const exists = await access(config.signingKeyFile).then(
    () => true,
    () => false,
  )
  if (!exists) return { message: `none yet; the first send makes ${config.signingKeyFile}` }
  return { message: signerFingerprint(await loadOrCreateSigningKey(config.signingKeyFile)) }
}

async function checkCatalog(config: Config, signal: AbortSignal): Promise<Finding> {
  const told: string[] = []
  const database = await openCatalog(config, signal, { tell: words => told.push(words) })
  try {
    await checkOwner(config, database, signal)
    const { total } = await queryBackups(database, { state: 'sending', limit: 1 })
    const message = `ready in ${database.location}`
    // What is wrong with the file, its own check says.
    const sourceNames = (await readConfigFile(config).catch(() => undefined))?.sourceNames
    const brokenOff =
      total === 0
        ? undefined
        : `${total} ${total === 1 ? 'send is' : 'sends are'} under way or broke off: telegram-backup list --state sending; show tells what is in the chat.`
    const warnings = [
      ...told,
      await clockDifference(database),
      sourceNames && (await describeUnserved(database, sourceNames)),
      brokenOff,
    ].filter(text => text !== undefined)
    return { message, ...(warnings.length === 0 ? {} : { warning: warnings.join(' ') }) }
  } finally {
    await database.close()
  }
}

/** A chat that belongs to another catalog takes no backup of this one. What else is wrong with it, its own check says. */
async function checkOwner(config: Config, database: Database, signal: AbortSignal): Promise<void> {
  if (config.token === undefined || config.chatId === undefined) return
  const client = await openTelegram(config)
  const access = await checkChatAccess(client, config.chatId, { signal }).catch(() => undefined)
  if (access) await guardChat(client, createCatalogVault(database), access, { signal })
}
