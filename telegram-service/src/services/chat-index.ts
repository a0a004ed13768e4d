import { indexContent } from '@telegram-backup/archive'
import { isMessageGone, isNotEditable } from '#bot-api/refusals.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { type ParsedIndex, parseCaption } from '#messages/machine-line.ts'
import { assertOwnEdition, type PinnedIndex, readPinnedIndex } from '#services/chat-guard.ts'
import { nextEdition } from '#services/index-edition.ts'
import {
  hashOf,
  type IndexOptions,
  pinIndex,
  type SealedIndex,
  sealDrawing,
} from '#services/index-message.ts'
import { makeIndex, reconcileLateIndexes, UNKNOWN_CONTENT } from '#services/new-index.ts'
import { lookAtMessage } from '#services/seen-messages.ts'
import type { KnownIndex, VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

export interface IndexRefresh {
  /** `made`: a new message; `unchanged`: it was up to date. */
  outcome: 'unchanged' | 'replaced' | 'made'
  messageId: number
}

/** S3: the index, made and pinned if there is none. Throws `CONFIGURATION` for another catalog's chat. */
export async function ensureIndex(
  client: TelegramClient,
  vault: VaultLedger,
  options: IndexOptions,
): Promise<KnownIndex> {
  const { chatId } = options
  const known = async (): Promise<KnownIndex | undefined> => (await vault.knownChat(chatId)).index
  return (
    (await known()) ??
    vault.withIndexLock(chatId, async () => (await known()) ?? makeIndex(client, vault, options))
  )
}

/**
 * S10: brings the index up to date, in place if possible. Throws `CONFIGURATION` when the index is not this
 * catalog's, and the client's errors; the next refresh then does the rest.
 */
export async function refreshIndex(
  client: TelegramClient,
  vault: VaultLedger,
  options: IndexOptions,
): Promise<IndexRefresh> {
  return vault.withIndexLock(options.chatId, () => refreshUnderLock(client, vault, options))
}

async function refreshUnderLock(
  client: TelegramClient,
  vault: VaultLedger,
  options: IndexOptions,
): Promise<IndexRefresh> {
  const { chatId, signal, onWait } = options
  const { index } = await vault.knownChat(chatId)
  if (index === undefined) return make(client, vault, options)
  const pinned = await readPinnedIndex(client, chatId, { signal, onWait })
  await assertOwnEdition(vault, chatId, pinned)
  await reconcileLateIndexes(client, vault, options)
  const shown = await shownCaption(client, vault, { index, pinned, options })
  if (shown === undefined) return make(client, vault, options)
  await assertOwnEdition(vault, chatId, { kind: 'index', messageId: index.messageId, caption: shown })

  const drawing = await vault.drawIndex(chatId)
  const { edition, messageId, contentSha256 } = index
  const isDrawn = shown.edition === edition && contentSha256 === hashOf(indexContent(drawing))
  const isUpToDate = isDrawn && options.redraw !== true
  if (!isUpToDate) {
    const next = nextEdition(index)
    await vault.intendIndexEdition(chatId, next)
    const sealed = await sealDrawing(drawing, { ...options, edition: next })
    const isReplaced = await replaceIndex(client, vault, { index, sealed, options })
    if (!isReplaced) return make(client, vault, options)
  }
  await pinAgain(client, { index, pinned, options })
  return { outcome: isUpToDate ? 'unchanged' : 'replaced', messageId }
}

/** An adopted index of a call that lost its answer has the content of that time. */
async function make(
  client: TelegramClient,
  vault: VaultLedger,
  options: IndexOptions,
): Promise<IndexRefresh> {
  const { messageId, contentSha256 } = await makeIndex(client, vault, options)
  if (contentSha256 !== UNKNOWN_CONTENT) return { outcome: 'made', messageId }
  return { ...(await refreshUnderLock(client, vault, options)), outcome: 'made' }
}

/** The index message's caption now, read if another pin hides it. Undefined when it is gone. */
async function shownCaption(
  client: TelegramClient,
  vault: VaultLedger,
  { index, pinned, options }: { index: KnownIndex; pinned: PinnedIndex; options: IndexOptions },
): Promise<ParsedIndex | undefined> {
  const { messageId } = index
  if (pinned.kind === 'index' && pinned.messageId === messageId) return pinned.caption
  const { chatId, signal, onWait } = options
  const seen = await lookAtMessage(client, vault, { chatId, messageId, signal, onWait })
  const parsed = parseCaption(seen?.caption)
  return parsed?.kind === 'index' ? parsed : undefined
}

/** Replaces the document in place. False when the message is gone, or another bot's. */
async function replaceIndex(
  client: TelegramClient,
  vault: VaultLedger,
  { index, sealed, options }: { index: KnownIndex; sealed: SealedIndex; options: IndexOptions },
): Promise<boolean> {
  const { chatId, signal, onWait } = options
  const { fileName, bytes, caption, edition, sha256, contentSha256, names, undeletes } = sealed
  const { messageId } = index
  try {
    const edit = { chatId, messageId, fileName, bytes, caption }
    const { fileId, sizeBytes, ...edited } = await client.editDocument(edit, { signal, onWait })
    if (sizeBytes !== bytes.length || edited.messageId !== messageId) {
      throw new TelegramError('Telegram did not replace the index by what was sent', { code: 'UNPROVEN' })
    }
    const { botId } = client
    const drawn = { sha256, edition, contentSha256, names, undeletes }
    await vault.confirmIndex({ chatId, messageId, fileId, botId, ...drawn })
    return true
  } catch (error) {
    if (isMessageGone(error) || isNotEditable(error)) return false
    throw error
  }
}

/**
 * The chat shows the pinned message that was sent last. If that is older than the index, or none, the index
 * is not pinned any more. Under a newer pin it may be; it is not pinned over and over.
 */
async function pinAgain(
  client: TelegramClient,
  { index, pinned, options }: { index: KnownIndex; pinned: PinnedIndex; options: IndexOptions },
): Promise<void> {
  if (pinned.kind !== 'none' && pinned.messageId >= index.messageId) return
  await pinIndex(client, { messageId: index.messageId, ...options })
}
