import { BackupError, describeError, type Hint, hint, option } from '@telegram-backup/errors'
import {
  type BotChat,
  type ChatAccess,
  checkChatAccess,
  isPolledElsewhere,
  isWebhookSet,
  type TelegramClient,
} from 'telegram-deployment-bot'
import { assertFitChat, assertFitKind } from '#setup/fit-chat.ts'
import type { Setup } from '#setup/setup.ts'

const POLL_SECONDS = 20
/** A person needs time to make a channel; a script posts its message before. */
const PERSON_WAITS_MS = 15 * 60_000
const SCRIPT_WAITS_MS = 5 * 60_000
/** After something was posted in a chat that cannot be used, a script waits so long for another one. */
const SECOND_CHANCE_MS = 10_000

const POST = 'Post any message in the channel'

/** How long to wait; for tests. */
export interface Patience {
  pollSeconds: number
  secondChanceMs: number
}

/**
 * The chat in which somebody posted a message, or made the bot an administrator. Of several chats, a person
 * chooses one. Throws `CONFIGURATION` when the messages go elsewhere, `USAGE` for several chats that nobody
 * can choose from, and the reason why the only chat cannot be used.
 */
export async function findChat(
  { ask, hooks }: Pick<Setup, 'ask' | 'hooks'>,
  client: TelegramClient,
  patience: Partial<Patience> = {},
): Promise<ChatAccess> {
  const { pollSeconds = POLL_SECONDS, secondChanceMs = SECOND_CHANCE_MS } = patience
  const { signal, note } = hooks
  const startMs = performance.now()
  let endMs = startMs + (ask === undefined ? SCRIPT_WAITS_MS : PERSON_WAITS_MS)
  const seen = new Map<number, BotChat>()
  const noted = new Set<string>()
  let offset: number | undefined
  // The first request takes what is already there.
  let waitSeconds = 0
  try {
    for (;;) {
      const news = await client.seeChats({ offset, waitSeconds }, { signal }).catch(worded)
      offset = news.nextOffset ?? offset
      waitSeconds = pollSeconds
      for (const chat of news.chats) seen.set(chat.id, chat)
      const { fit, unfit } = await examine(client, [...seen.values()], signal)
      const [only, ...others] = fit
      if (only !== undefined) return others.length === 0 ? only : await choose(fit, { ask, seen })
      const [first] = unfit
      if (first !== undefined && ask === undefined)
        endMs = Math.min(endMs, performance.now() + secondChanceMs)
      for (const { message, hint: advice } of unfit.map(describeError)) {
        const line = `${message}. ${advice ?? ''}`
        if (!noted.has(line)) note(line)
        noted.add(line)
      }
      const nowMs = performance.now()
      if (nowMs >= endMs) throw first ?? nothingPosted()
      waitSeconds = Math.max(1, Math.min(pollSeconds, Math.ceil((endMs - nowMs) / 1000)))
      if (ask === undefined && !noted.has(POST)) {
        note(hint`${POST}, or give the id of the chat with ${option('chat', 'ID')}.`.toString())
        noted.add(POST)
      }
      hooks.onWait(`${POST} (waited ${Math.round((nowMs - startMs) / 1000)} s so far)`)
    }
  } finally {
    hooks.onWait(undefined)
  }
}

/** Asks about all chats each time: a person may be changing the bot's rights in them. */
async function examine(
  client: TelegramClient,
  chats: readonly BotChat[],
  signal: AbortSignal,
): Promise<{ fit: ChatAccess[]; unfit: unknown[] }> {
  const fit: ChatAccess[] = []
  const unfit: unknown[] = []
  for (const chat of chats) {
    try {
      assertFitKind({ chatType: chat.type, chatTitle: chat.title, publicName: chat.publicName })
      const access = await checkChatAccess(client, String(chat.id), { signal })
      assertFitChat(access)
      fit.push(access)
    } catch (error) {
      if (describeError(error).code !== 'CONFIGURATION') throw error
      unfit.push(error)
    }
  }
  return { fit, unfit }
}

async function choose(
  fit: readonly ChatAccess[],
  { ask, seen }: { ask: Setup['ask']; seen: ReadonlyMap<number, BotChat> },
): Promise<ChatAccess> {
  const chats = fit.map(({ chatId }) => seen.get(Number(chatId))).filter(chat => chat !== undefined)
  if (ask === undefined) {
    const names = chats.map(({ id, title }) => `${id} (${JSON.stringify(title.slice(0, 64))})`)
    throw new BackupError(`Messages were posted in ${chats.length} chats: ${names.join(', ')}`, {
      code: 'USAGE',
      hint: hint`Choose one with ${option('chat', 'ID')}.`,
    })
  }
  const chosen = await ask.chat(chats)
  return fit.find(({ chatId }) => chatId === String(chosen.id)) as ChatAccess
}

function worded(cause: unknown): never {
  if (isWebhookSet(cause)) {
    throw configuration(
      'A webhook is set for this bot, so its messages go elsewhere',
      hint`Use a bot of its own for backups, or give the id of the chat with ${option('chat', 'ID')}.`,
      cause,
    )
  }
  if (isPolledElsewhere(cause)) {
    throw configuration(
      'Another program asks for the messages of this bot',
      hint`Stop it, use a bot of its own for backups, or give the id of the chat with ${option('chat', 'ID')}.`,
      cause,
    )
  }
  throw cause
}

function nothingPosted(): BackupError {
  return configuration(
    'Nobody posted a message in a chat of the bot',
    hint`Make the bot an administrator of a private channel, and post any message there. Or give the id of the chat with ${option('chat', 'ID')}.`,
  )
}

function configuration(message: string, advice: Hint, cause?: unknown): BackupError {
  return new BackupError(message, { code: 'CONFIGURATION', hint: advice, cause })
}
