import { BackupError, describeError } from '@telegram-backup/errors'
import { type ChatAccess, checkChatAccess, followMovedChat, isChatHidden } from 'telegram-deployment-bot'
import { ChatReader } from '#recover/chat-reader.ts'
import { findIndex, type IndexSearch } from '#recover/index-search.ts'
import type { RecoverySetup, RecoveryTools } from '#recover/recovery-setup.ts'

/** A chat that the bot can work in, and its index. Nothing is recorded yet. */
export interface OpenedChat {
  readonly access: ChatAccess
  readonly reader: ChatReader
  readonly search: IndexSearch
  /** It has copies: manifests name the messages of another chat. */
  readonly isCopy: boolean
  /** A believed index is in this chat or in the one before. */
  readonly isIndexed: boolean
  /** Former ids of the chat. */
  readonly movedFrom: ReadonlySet<string>
}

/** Stage 1: checks the chat and looks for its index. Throws the client's errors. */
export async function openChat(
  tools: RecoveryTools,
  { chat, first }: { chat: string; first?: Pick<OpenedChat, 'isIndexed'> },
): Promise<OpenedChat> {
  const { client, vault, documents, signal } = tools
  const current = await followMovedChat(client, vault, chat, { signal })
  const access = await checkChatAccess(client, current, { signal })
  const reader = new ChatReader({ client, vault, chatId: access.chatId, signal })
  reader.onLook = tools.onLook
  const announce = (messages: number): void => {
    // So far only the pinned index of the first chat was read.
    if (first === undefined && documents.wrongKey !== undefined) tools.onWrongKey?.()
    tools.onPlan({ messages, what: 'to find a message that leads to the index' })
  }
  const search = await findIndex({ client, reader, documents, announce, signal })
  return {
    access,
    reader,
    search,
    isCopy: first !== undefined,
    isIndexed: search.index !== undefined || first?.isIndexed === true,
    movedFrom: new Set([...(current === chat ? [] : [chat]), ...(search.index?.movedFrom ?? [])]),
  }
}

/** If the bot cannot see the chat, the error says that the second chat is enough. */
export async function openFirstChat(tools: RecoveryTools): Promise<OpenedChat> {
  try {
    return await openChat(tools, { chat: tools.chat })
  } catch (error) {
    throw withSecondChat(error, tools)
  }
}

function withSecondChat(error: unknown, { replicaChat }: RecoverySetup): unknown {
  const { code, message, hint = '' } = describeError(error)
  if (code !== 'CONFIGURATION' || !isChatHidden(error)) return error
  const second = replicaChat ?? 'its id'
  return new BackupError(message, {
    code,
    hint:
      `${hint} If the chat is gone for good, a second one (TELEGRAM_REPLICA_CHAT_ID; the card names it) is enough: ` +
      `set TELEGRAM_CHAT_ID=${second} and unset TELEGRAM_REPLICA_CHAT_ID.`,
    cause: error,
  })
}
