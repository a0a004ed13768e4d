import type { SeenMessage } from '#bot-api/bot-api-types.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'
import { isMessageGone, isNotForwardable } from '#bot-api/refusals.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { assertOwnIndex } from '#services/chat-guard.ts'
import { noteRemovedCopy } from '#services/own-copies.ts'
import type { OpenedSend, VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

/** Tries of one look after lost answers; each may leave a copy, which the next search removes. */
const TRIES = 3
/** Longest time to remove a copy after a cancel, in milliseconds. */
const CLEAN_UP_WITHIN_MS = 60_000

export interface LookOptions extends CallOptions {
  /** Numeric, as text. */
  chatId: string
  /** The backup whose lease the caller holds: its reconciliation then finds a copy that is left behind. */
  backupId?: string | null | undefined
}

/**
 * Reads a message: forwards it within its chat and deletes the copy at once. Undefined for a missing message,
 * or one that cannot be forwarded, which is not ours. The returned `messageId` is the copy's: the newest id
 * in the chat. Throws the client's errors.
 */
export async function lookAtMessage(
  client: TelegramClient,
  vault: VaultLedger,
  options: LookOptions & {
    messageId: number
    /** The old chat, if it has moved to `chatId`: the old one takes no copy. */
    fromChatId?: string | undefined
  },
): Promise<SeenMessage | undefined> {
  const { chatId, messageId, fromChatId = chatId, backupId: _, ...on } = options
  try {
    return await briefly(client, vault, {
      ...on,
      chatId,
      begin: () => beginLook(client, vault, options),
      make: () => client.forwardMessage(chatId, fromChatId, messageId, on),
    })
  } catch (error) {
    if (isMessageGone(error) || isNotForwardable(error)) return undefined
    throw error
  }
}

/**
 * L1: the newest id in the chat, from a copy of its index, which also proves that the chat is ours; without
 * an index, from a short text. Throws `CONFIGURATION` when the chat is another catalog's.
 */
export async function newestMessageId(
  client: TelegramClient,
  vault: VaultLedger,
  options: LookOptions,
): Promise<number> {
  const { chatId } = options
  const { index } = await vault.knownChat(chatId)
  const copy = index && (await lookAtMessage(client, vault, { ...options, messageId: index.messageId }))
  if (copy) {
    assertOwnIndex(copy.caption, await vault.identity())
    return copy.messageId
  }
  return (await probe(client, vault, options)).messageId
}

/** Telegram's clock, in seconds: the same for all chats and machines. Throws the client's errors. */
export async function telegramTime(
  client: TelegramClient,
  vault: VaultLedger,
  options: LookOptions,
): Promise<Date> {
  return (await probe(client, vault, options)).date
}

async function probe(client: TelegramClient, vault: VaultLedger, options: LookOptions): Promise<SeenMessage> {
  const { chatId, backupId: _, ...on } = options
  return await briefly(client, vault, {
    ...on,
    chatId,
    begin: () => beginLook(client, vault, { ...options, messageId: 0 }),
    make: ({ sendId }) => client.sendText(chatId, probeText(sendId), on),
  })
}

/** The text of a message that is sent only to learn the newest id; unique. */
export function probeText(sendId: string): string {
  return `telegram-backup looks for the newest message (${sendId})`
}

/** Whether this is the text of such a look. */
export function isProbeText(text: string | undefined): boolean {
  return /^telegram-backup looks for the newest message \([0-9a-f-]{36}\)$/.test(text ?? '')
}

/** Whether the failed call may have made a message of unknown id. */
export function mayHaveMadeMessage(error: unknown): boolean {
  if (!(error instanceof TelegramError)) return true
  return error.code === 'ANSWER_LOST' || (error.code === 'UNPROVEN' && error.unprovenMessage === undefined)
}

function beginLook(
  client: TelegramClient,
  vault: VaultLedger,
  { chatId, messageId: sourceMessageId, backupId }: LookOptions & { messageId: number },
): Promise<OpenedSend> {
  const { botId } = client
  return vault.beginCopy({ chatId, botId, sourceMessageId, backupId: backupId ?? undefined })
}

/** Makes a message and deletes it at once. A row leads to what is left behind. */
async function briefly(
  client: TelegramClient,
  vault: VaultLedger,
  message: CallOptions & {
    chatId: string
    begin: () => Promise<OpenedSend>
    make: (opened: OpenedSend) => Promise<SeenMessage>
  },
): Promise<SeenMessage> {
  const { begin, make } = message
  for (let tries = 1; ; tries++) {
    const { sendId, ...opened } = await begin()
    const remove = async (messageId: number): Promise<void> => {
      await deleteCopy(client, { ...message, messageId })
      noteRemovedCopy(client, message.chatId, messageId)
      // Later messages have greater ids: no search for this one need go below.
      await vault.looked(sendId, { upTo: messageId })
      await vault.closeSend(sendId)
    }
    let made: SeenMessage
    try {
      made = await make({ sendId, ...opened })
    } catch (error) {
      const unproven = error instanceof TelegramError ? error.unprovenMessage : undefined
      if (unproven) await remove(unproven.messageId)
      else if (!mayHaveMadeMessage(error)) await vault.closeSend(sendId)
      const isLost = error instanceof TelegramError && error.code === 'ANSWER_LOST'
      if (!isLost || tries >= TRIES) throw error
      continue
    }
    await remove(made.messageId)
    return made
  }
}

/** Also after a cancel, so that no copy is left behind for want of one call. */
async function deleteCopy(
  client: TelegramClient,
  { chatId, messageId, signal, onWait }: CallOptions & { chatId: string; messageId: number },
): Promise<void> {
  try {
    await client.deleteMessage(chatId, messageId, { signal, onWait })
  } catch (error) {
    if (!signal?.aborted) throw error
    await client.deleteMessage(chatId, messageId, { signal: AbortSignal.timeout(CLEAN_UP_WITHIN_MS) })
  }
}
