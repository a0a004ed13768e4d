import { BackupError } from '@telegram-backup/errors'
import type { ChatAccess } from 'telegram-deployment-bot'

/**
 * Throws `CONFIGURATION` for a chat that a vault should not be in: one that everyone can read, one that no
 * other bot could take over, and one where the bot lacks a right.
 */
export function assertFitChat(chat: ChatAccess): void {
  assertFitKind(chat)
  const { missingRights: missing } = chat
  if (missing.length === 0) return
  throw new BackupError(`The bot lacks rights in ${title(chat)}: ${missing.join(', ')}`, {
    code: 'CONFIGURATION',
    hint: 'In Telegram, open the chat’s settings, Administrators, the bot, and turn these rights on.',
  })
}

/** The same for the kind of chat alone. */
export function assertFitKind(chat: Pick<ChatAccess, 'chatType' | 'chatTitle' | 'publicName'>): void {
  const { chatType, publicName } = chat
  if (chatType === 'private') {
    throw unfit(
      'That is your private chat with the bot, and no other bot could take it over',
      'Make a private channel, make the bot an administrator there, and use that one.',
    )
  }
  if (publicName !== undefined) {
    throw unfit(
      `${title(chat)} is public (t.me/${publicName}): everyone could read what is in it`,
      'Make it private in its settings, or make another, private channel.',
    )
  }
  if (chatType !== 'channel' && chatType !== 'supergroup') {
    throw unfit(
      `${title(chat)} is a basic group, where no other bot could take over`,
      'Use a private channel. Or turn on in the group’s settings that new members see its history, which makes it a supergroup.',
    )
  }
}

function title({ chatTitle }: Pick<ChatAccess, 'chatTitle'>): string {
  return JSON.stringify(chatTitle.slice(0, 128))
}

function unfit(message: string, hint: string): BackupError {
  return new BackupError(message, { code: 'CONFIGURATION', hint })
}
