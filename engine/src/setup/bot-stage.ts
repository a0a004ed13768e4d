import { BackupError, describeError, ExitCode, exitCodeOf, hint, option } from '@telegram-backup/errors'
import type { BotUser, TelegramClient } from 'telegram-deployment-bot'
import type { Setup, Staged } from '#setup/setup.ts'
import { openTelegram } from '#wiring.ts'

export interface KnownBot {
  client: TelegramClient
  id: string
  username: string
}

/** Asks Telegram who the token belongs to, and keeps the token when Telegram accepts it. */
export async function setUpBot(setup: Setup): Promise<Staged<KnownBot>> {
  const { settings, answers } = setup
  const stored = settings.config().token
  if (stored !== undefined && answers.token !== undefined && stored !== answers.token) {
    throw new BackupError('Another bot token is configured than the one that was given', {
      code: 'CONFIGURATION',
      hint: `Remove TELEGRAM_BOT_TOKEN from the environment and from ${settings.originOf('TELEGRAM_BOT_TOKEN')}, if the given token is the right one.`,
    })
  }
  const given = stored ?? answers.token
  const { token, client, bot } = given === undefined ? await askForBot(setup) : await meet(setup, given)
  const isNew = await settings.save({ TELEGRAM_BOT_TOKEN: token })
  return {
    state: isNew ? 'made' : 'there',
    message: `@${bot.username}${isNew ? `; its token is in ${settings.path}` : ''}`,
    result: { client, id: client.botId, username: bot.username },
  }
}

interface MetBot {
  token: string
  client: TelegramClient
  bot: BotUser
}

async function meet({ settings, hooks }: Setup, token: string): Promise<MetBot> {
  const client = await openTelegram({ ...settings.config(), token })
  return { token, client, bot: await client.getMe({ signal: hooks.signal }) }
}

/** Asks again after a token that Telegram does not accept. */
async function askForBot(setup: Setup): Promise<MetBot> {
  const { ask } = setup
  if (ask === undefined) {
    throw new BackupError('No bot token was given', {
      code: 'USAGE',
      hint: hint`Give ${option('token-file', 'FILE')}, or set TELEGRAM_BOT_TOKEN. @BotFather gives you a token: write /newbot to it.`,
    })
  }
  let problem: string | undefined
  for (;;) {
    const token = (await ask.token({ problem })).trim()
    try {
      return await meet(setup, token)
    } catch (error) {
      if (exitCodeOf(error) !== ExitCode.USAGE) throw error
      problem = describeError(error).message
    }
  }
}
