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

/** A command waits at most this long for the chat. */
const PATIENCE_MS = 20_000
const LOOK_EVERY_MS = 60_000
const LONGEST_PAUSE_MS = 15 * 60_000

/**
 * Updates the indexes after a command changed a schedule, a policy or a pin. Never fails. It calls no chat
 * when they are up to date, or nothing was ever sent. When the chat cannot be reached, the next send,
 * `reconcile` or minute of a service updates them.
 */
export async function refreshQuietly(of: {
  config: Config
  database: Database
  /** Called only when a chat has to be called. */
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
    note(`warning: the index in the chat is not up to date yet: ${describeError(error).message}`)
  }
}

/**
 * In a service: compares the indexes with the catalog every minute, and updates those that differ. The
 * comparison reads only the catalog. After failures the pauses grow up to a quarter of an hour.
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

/** Throws the first failure, after it tried all indexes. */
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
 * Whether an index in a chat differs from the catalog, read from the catalog alone; never during a recovery.
 */
async function isAnyStale(
  database: Database,
  chats: readonly string[],
  numberOf: (name: string) => Promise<string>,
): Promise<boolean> {
  if ((await catalogIdentity(database)).isRecovering) return false
  for (const chat of chats) {
    const id = NUMERIC.test(chat) ? chat : await numberOf(chat)
    // The catalog does not know which chat has that name.
    if (!NUMERIC.test(id)) return true
    const chatId = await currentChat(database, id)
    const index = (await chatRecord(database, chatId))?.index
    if (index == null) continue
    const content = indexContent(await drawIndex(database, chatId))
    if (createHash('sha256').update(content).digest('hex') !== index.contentSha256) return true
  }
  return false
}
