import { createHash } from 'node:crypto'
import { indexContent } from '@telegram-backup/archive'
import { catalogIdentity, chatRecord, currentChat, type Database } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import { drawIndex } from '@telegram-backup/vault/ledger/draw-index.ts'
import { openSession, type SessionOptions } from '@telegram-backup/vault/session/open-session.ts'
import { refreshIndexes } from '@telegram-backup/vault/session/refresh-indexes.ts'
import type { TelegramClient } from 'telegram-deployment-bot'
import type { Config } from '#environment.ts'
import type { Logger } from '#logging.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'

/** A command that changes a schedule waits at most this long for the chat. */
const PATIENCE_MS = 20_000
const LOOK_EVERY_MS = 60_000
const LONGEST_PAUSE_MS = 15 * 60_000

/**
 * After a schedule, a policy or a pin was changed by hand: has the indexes say so. Never fails, and asks no
 * chat when they say it already, or nothing was ever sent; a chat that is away is told of, and gets its index
 * with the next send, reconcile, or minute of a service.
 */
export async function refreshQuietly(of: {
  config: Config
  database: Database
  /** Asked for only when a chat is to be asked. */
  openClient: () => Promise<TelegramClient>
  signal: AbortSignal
  note: (line: string) => void
}): Promise<void> {
  const { config, database, openClient, note } = of
  const signal = AbortSignal.any([of.signal, AbortSignal.timeout(PATIENCE_MS)])
  try {
    if (config.token === undefined) return
    const chats = [config.chatId, config.replicaChatId].filter(chat => chat !== undefined)
    if (!(await isAnyStale(database, chats, id => Promise.resolve(id)))) return
    await refresh({ config, database, signal, client: await openClient() })
  } catch (error) {
    note(`warning: the index in the chat does not tell of it yet: ${describeError(error).message}`)
  }
}

/**
 * In a service: looks every minute whether the indexes say what the catalog says, and draws those anew that
 * do not. That look is one into the catalog. After a failure the pauses grow up to a quarter of an hour.
 * `stop` waits for what is under way.
 */
export function keepIndexesFresh(
  of: Omit<SessionOptions, 'signal'> & {
    everyMs?: number
    log: Pick<Logger, 'info' | 'warn'>
  },
): { stop(): Promise<void> } {
  const { database, client, config, everyMs = LOOK_EVERY_MS, log } = of
  const numbers = new Map<string, string>()
  const numberOf = async (chat: string, signal: AbortSignal): Promise<string> => {
    const known = numbers.get(chat) ?? String((await client.getChat(chat, { signal })).id)
    numbers.set(chat, known)
    return known
  }
  const chats = [config.chatId, config.replicaChatId].filter(chat => chat !== undefined)
  return repeatUntilStopped({
    work: async signal => {
      if (await isAnyStale(database, chats, chat => numberOf(chat, signal))) await refresh({ ...of, signal })
      return undefined
    },
    everyMs,
    firstAfterMs: everyMs,
    longestPauseMs: LONGEST_PAUSE_MS,
    log,
    failed: 'the index in the chat is not up to date',
  })
}

/** Throws what stands against one of the indexes, after all were tried. */
async function refresh(open: SessionOptions): Promise<void> {
  const session = await openSession(open)
  const { chatId, replicaChatId } = session
  const [left] = await refreshIndexes(
    session,
    [chatId, replicaChatId].filter(chat => chat !== undefined),
  )
  if (left !== undefined) throw new BackupError(left.reason, { code: left.code })
}

const NUMERIC = /^-?\d+$/

/**
 * By the catalog alone: whether a chat has an index that says something else. A catalog that is being
 * recovered says nothing.
 */
async function isAnyStale(
  database: Database,
  chats: readonly string[],
  numberOf: (name: string) => Promise<string>,
): Promise<boolean> {
  if ((await catalogIdentity(database)).isRecovering) return false
  for (const chat of chats) {
    const id = NUMERIC.test(chat) ? chat : await numberOf(chat)
    // Behind a name may be any chat: whoever asks for it learns which.
    if (!NUMERIC.test(id)) return true
    const chatId = await currentChat(database, id)
    const index = (await chatRecord(database, chatId))?.index
    if (index == null) continue
    const content = indexContent(await drawIndex(database, chatId))
    if (createHash('sha256').update(content).digest('hex') !== index.contentSha256) return true
  }
  return false
}
