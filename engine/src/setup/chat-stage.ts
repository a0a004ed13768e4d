import { BackupError, hint, option } from '@telegram-backup/errors'
import { type ChatAccess, checkChatAccess, type TelegramClient } from 'telegram-deployment-bot'
import { findChat } from '#setup/find-chat.ts'
import { assertFitChat } from '#setup/fit-chat.ts'
import type { Setup, Staged } from '#setup/setup.ts'

/** Finds the chat, and checks its kind and the bot's rights. */
export async function setUpChat(setup: Setup, client: TelegramClient): Promise<Staged<ChatAccess>> {
  const { settings, answers, hooks } = setup
  const stored = settings.config().chatId
  const given = answers.chat?.trim() || undefined
  const named = stored ?? given
  const { signal } = hooks
  const access =
    named === undefined ? await findChat(setup, client) : await checkChatAccess(client, named, { signal })
  if (stored !== undefined && given !== undefined && given !== stored && given !== access.chatId) {
    throw new BackupError(`The configured chat is ${stored}, and not the given ${JSON.stringify(given)}`, {
      code: 'CONFIGURATION',
      hint: hint`Leave out ${option('chat')}, or remove TELEGRAM_CHAT_ID from the environment and from ${settings.originOf('TELEGRAM_CHAT_ID')}.`,
    })
  }
  assertFitChat(access)
  const isNew = await settings.save({ TELEGRAM_CHAT_ID: access.chatId })
  return {
    state: isNew ? 'made' : 'there',
    message: `the ${access.chatType} ${JSON.stringify(access.chatTitle)}, ${access.chatId}; the bot has all rights that it needs`,
    result: access,
  }
}
