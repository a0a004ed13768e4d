import type { Database } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { watchOwnership } from '@telegram-backup/vault/session/chat-ownership.ts'
import { checkChatAccess, type TelegramClient } from 'telegram-deployment-bot'
import type { Config } from '#environment.ts'

/**
 * Makes a check that the bot can use the configured chat, and that the chat still belongs to this catalog.
 * The check throws `CONFIGURATION` if not, and how the chat failed.
 */
export function createChatCheck(of: {
  config: Config
  database: Database
  client: TelegramClient
}): (signal: AbortSignal) => Promise<void> {
  const { config, database, client } = of
  const assertOwnChat = watchOwnership({ database, client })
  return async signal => {
    if (config.chatId === undefined) {
      throw new BackupError('No chat is configured', {
        code: 'CONFIGURATION',
        hint: 'Set TELEGRAM_CHAT_ID.',
      })
    }
    await assertOwnChat(await checkChatAccess(client, config.chatId, { signal }), { signal })
  }
}
