import { catalogIdentity } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import { type OpenedChat, openChat } from '#recover/open-chat.ts'
import { type ReadChat, readChat } from '#recover/read-chat.ts'
import type { RecoveryTools } from '#recover/recovery-setup.ts'

/** The second chat, as far as it was read. */
export interface SecondChat {
  /** As it is configured. */
  readonly name: string
  /** Null when it could not be opened, or must not be read. */
  readonly chat: ReadChat | null
  /** Why it was not read, or not to its end; then it is not taken over. */
  readonly failure: string | null
  /** The backups that its index or a manifest in it names. */
  readonly named: ReadonlySet<string>
}

/**
 * Stage 3: reads the second chat, so that nothing is copied there again. Undefined when none is configured.
 * An unreadable chat does not end the recovery. Throws when the catalog fails or the signal fires.
 */
export async function readSecondChat(tools: RecoveryTools, first: ReadChat): Promise<SecondChat | undefined> {
  const { replicaChat: name } = tools
  if (name === undefined) return undefined
  let opened: OpenedChat | undefined
  try {
    opened = await openChat(tools, { chat: name, first })
    await assertMayBeRead(tools, opened, first)
  } catch (error) {
    const named = new Set(opened?.search.index?.backups.map(({ id }) => id))
    return { name, chat: null, named, failure: failureOf(tools, error) }
  }
  const chat = await readChat(tools, opened)
  const failure = chat.failure === undefined ? null : failureOf(tools, chat.failure)
  return { name, chat, named: chat.scan.named, failure }
}

async function assertMayBeRead(
  { database }: RecoveryTools,
  { access, search }: OpenedChat,
  first: ReadChat,
): Promise<void> {
  if (access.chatId === first.access.chatId) throw leftAlone('it is the first chat')
  const { catalogId, isEmpty } = await catalogIdentity(database)
  const owner = search.index ?? search.owner
  if (owner && !isEmpty && owner.catalogId !== catalogId) throw leftAlone(FOREIGN)
}

const FOREIGN =
  'it belongs to another catalog, and was left alone; to merge it into this one, recover with TELEGRAM_CHAT_ID set to it'

function leftAlone(why: string): BackupError {
  return new BackupError(why, { code: 'CONFIGURATION' })
}

function failureOf({ signal }: RecoveryTools, error: unknown): string {
  const { code, message } = describeError(error)
  if (signal.aborted || code === 'CATALOG') throw error
  return message
}
