import { readSecretFile } from '@telegram-backup/archive/secret-file'
import { BackupError } from '@telegram-backup/errors'
import { checkChatAccess } from 'telegram-deployment-bot'
import type { StoredSetting } from '#config/stored-setting.ts'
import type { Config } from '#environment.ts'
import { openTelegram } from '#wiring.ts'

export interface TokenRotated {
  bot: string
  /** False when it is the same bot, whose token @BotFather has replaced. */
  isOtherBot: boolean
  /** False when the new token was in use already: an earlier run had ended. */
  isChanged: boolean
  /** The file that holds the token. */
  path: string
  /** Rights that the bot lacks in a chat, in words. */
  missingRights: readonly string[]
}

/** The token in a file or pipe. Throws `CONFIGURATION` for one that cannot be read. */
export function readTokenFile(path: string): string {
  try {
    return readSecretFile(path).trim()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new BackupError(
      `The file with the new token cannot be read (${code === 'CONFIGURATION' ? message : code})`,
      { code: 'CONFIGURATION', hint: 'Name a file that this user can read.', cause },
    )
  }
}

const TOKEN = /^\d{1,20}:[A-Za-z0-9_-]{10,100}$/

/**
 * Checks a new token against each configured chat, and only then stores it where the old one is. The old
 * token is not used: it may be revoked. Throws `CONFIGURATION` for a text that is no token, a bot that may
 * not send, and another bot in a chat where it cannot find the messages of the first one.
 */
export async function rotateToken(
  { config, stored }: { config: Config; stored: StoredSetting },
  { token, mayLackRights }: { token: string; mayLackRights: boolean },
  { signal }: { signal: AbortSignal },
): Promise<TokenRotated> {
  const { chatId, replicaChatId } = config
  if (chatId === undefined)
    throw new BackupError('No chat is configured', { code: 'CONFIGURATION', hint: 'Set TELEGRAM_CHAT_ID.' })
  // The text itself must not get into the message: it may be another secret.
  if (!TOKEN.test(token)) {
    throw new BackupError('The new token is not the token of a bot', {
      code: 'CONFIGURATION',
      hint: 'Copy it whole from the answer of @BotFather: digits, a colon, and some 35 other characters.',
    })
  }
  const client = await openTelegram({ ...config, token })
  const isOtherBot = config.token?.split(':')[0] !== token.split(':')[0]
  const missingRights = new Set<string>()
  let bot = ''
  for (const chat of [chatId, replicaChatId]) {
    if (chat === undefined) continue
    const access = await checkChatAccess(client, chat, { signal })
    bot = access.botUsername
    if (isOtherBot && (access.chatType === 'private' || access.chatType === 'group')) {
      throw new BackupError(
        `In ${access.chatTitle}, another bot cannot find the messages that the first one sent`,
        {
          code: 'CONFIGURATION',
          hint: 'There, only a new token of the same bot works. Or make the group a supergroup, and send a backup.',
        },
      )
    }
    for (const right of access.missingRights) missingRights.add(`${right} in ${access.chatTitle}`)
  }
  if (missingRights.size > 0 && !mayLackRights) {
    throw new BackupError(`The bot @${bot} lacks rights: ${[...missingRights].join(', ')}`, {
      code: 'CONFIGURATION',
      hint: 'Make it an administrator with these rights. Nothing was changed.',
    })
  }
  const isChanged = config.token !== token
  if (isChanged) await stored.replace(token)
  return { bot, isOtherBot, isChanged, path: stored.path, missingRights: [...missingRights] }
}
