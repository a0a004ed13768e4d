import { DEFAULT_PART_SIZE_BYTES, MIN_PART_SIZE_BYTES } from '@telegram-backup/archive'
import { BackupError, describeError, hint, run } from '@telegram-backup/errors'
import { checkChatAccess, PUBLIC_FETCH_LIMIT_BYTES } from 'telegram-deployment-bot'
import type { CheckScope, Finding } from '#doctor/check.ts'
import { formatBytes } from '#units/human-units.ts'
import { openTelegram } from '#wiring.ts'

/** The chat of the backups, and the bot's rights there. */
export async function checkChat({ config, signal }: CheckScope): Promise<Finding> {
  const client = await openTelegram(config)
  if (config.chatId === undefined) {
    throw new BackupError('No chat is configured', {
      code: 'CONFIGURATION',
      hint: hint`Run "${run('init')}": it finds the chat. Or set TELEGRAM_CHAT_ID to its id.`,
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

/** The second chat, which is optional. */
export async function checkSecondChat({ config, signal }: CheckScope): Promise<Finding> {
  if (config.replicaChatId === undefined) return { message: 'none; TELEGRAM_REPLICA_CHAT_ID names one' }
  const client = await openTelegram(config)
  try {
    const { chatTitle, chatType } = await checkChatAccess(client, config.replicaChatId, { signal })
    return { message: `the bot may copy to the ${chatType} "${chatTitle}"` }
  } catch (error) {
    const { message, code } = describeError(error)
    throw new BackupError(message, {
      code,
      hint: 'Check TELEGRAM_REPLICA_CHAT_ID, and make the bot an administrator there, too.',
    })
  }
}

/** Whether parts of that size can be sent and fetched. */
export async function checkPartSize({ config }: CheckScope): Promise<Finding> {
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
    throw new BackupError(`Parts of ${formatBytes(partSizeBytes)} can be sent, but not downloaded`, {
      code: 'CONFIGURATION',
      hint: 'Unset TELEGRAM_PART_SIZE: Telegram’s own server lets bots download only files up to 20 MiB.',
    })
  }
  return {
    message,
    warning:
      'Only a Bot API server that runs with --local lets a bot download such parts. The first send shows whether your server does.',
  }
}
