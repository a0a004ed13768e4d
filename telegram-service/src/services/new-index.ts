import type { SeenMessage } from '#bot-api/bot-api-types.ts'
import { pause } from '#bot-api/clock.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { type CatalogName, parseCaption } from '#messages/machine-line.ts'
import { foreignCatalog } from '#services/chat-guard.ts'
import { countAfter, newEdition } from '#services/index-edition.ts'
import { type IndexOptions, pinIndex, type SealedIndex, sealDrawing } from '#services/index-message.ts'
import { findLostMessages } from '#services/lost-messages.ts'
import type { FoundMessage } from '#services/message-proof.ts'
import { lookAtMessage, mayHaveMadeMessage } from '#services/seen-messages.ts'
import type { ConfirmedIndex, KnownIndex, VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

/** Messages below a new index that are checked for another catalog. */
const LOOK_BACK = 20
/** After a lost index, ids below the new one that are asked for: most are of removed copies. */
const ASK_BACK = 500
/** Of these, editable ones that are read, to find the index of a catalog that took the chat over. */
const LOOK_FURTHER = 20
const TRIES = 3
/** A server that lost an answer may still make the message. */
const LOOK_AGAIN_AFTER_MS = 2_000
/** Hash of an adopted index whose drawing is unknown: unequal to any, so that it is drawn anew. */
export const UNKNOWN_CONTENT: string = '0'.repeat(64)

/** An index message that is not recorded yet. */
type NewIndex = ConfirmedIndex & { sendId: string }

/**
 * Makes, pins and records a new index message, or adopts one that an earlier call made without its answer.
 * Removes the message of the old index if possible. Call under the index lock.
 */
export async function makeIndex(
  client: TelegramClient,
  vault: VaultLedger,
  options: IndexOptions,
): Promise<KnownIndex> {
  const { chatId } = options
  const { index: previous } = await vault.knownChat(chatId)
  const index =
    (await adoptLostIndex(client, vault, options)) ?? (await sendIndex(client, vault, { previous, options }))
  await refuseForeignChat(client, vault, { index, hadIndex: previous !== undefined, options })
  await pinIndex(client, { ...options, messageId: index.messageId })
  // The new record replaces the old one.
  if (previous && previous.messageId !== index.messageId) {
    await removeIndex(client, options, previous.messageId)
  }
  await vault.confirmIndex(index)
  const { chatId: _, sendId: __, names: ___, undeletes: ____, ...known } = index
  return known
}

/** Removes indexes that arrived late, in a chat that has its index. Call under the index lock. */
export async function reconcileLateIndexes(
  client: TelegramClient,
  vault: VaultLedger,
  options: IndexOptions,
): Promise<void> {
  const { chatId, signal, onWait } = options
  for (const { messageId, open } of await lostIndexes(client, vault, options)) {
    await client.deleteMessage(chatId, messageId, { signal, onWait })
    await vault.closeSend(open.id)
  }
}

async function lostIndexes(
  client: TelegramClient,
  vault: VaultLedger,
  { chatId, signal, onWait }: IndexOptions,
): Promise<FoundMessage[]> {
  const open = await vault.openSends({ chatId, backupId: null })
  if (!open.some(({ purpose }) => purpose === 'index')) return []
  const { found } = await findLostMessages(client, vault, { chatId, backupId: null, signal, onWait })
  return found.filter(one => one.open.purpose === 'index')
}

async function adoptLostIndex(
  client: TelegramClient,
  vault: VaultLedger,
  options: IndexOptions,
): Promise<NewIndex | undefined> {
  const { chatId } = options
  const [first, ...others] = await lostIndexes(client, vault, options)
  if (first === undefined) return undefined
  for (const { messageId, open } of others) {
    await client.deleteMessage(chatId, messageId, options)
    await vault.closeSend(open.id)
  }
  const { messageId, fileId, sha256, caption, open } = first
  const parsed = parseCaption(caption)
  if (parsed?.kind !== 'index') throw new TypeError('an index is found by its caption')
  const { edition } = parsed
  const { botId } = client
  return {
    chatId,
    messageId,
    fileId,
    botId,
    sha256,
    edition,
    contentSha256: UNKNOWN_CONTENT,
    sendId: open.id,
  }
}

async function sendIndex(
  client: TelegramClient,
  vault: VaultLedger,
  { previous, options }: { previous: KnownIndex | undefined; options: IndexOptions },
): Promise<NewIndex> {
  const { chatId, signal } = options
  const drawing = await vault.drawIndex(chatId)
  for (let tries = 1; ; tries++) {
    const { sendId } = await vault.beginIndex({ chatId, botId: client.botId })
    const edition = newEdition(countAfter(previous), sendId)
    try {
      const sealed = await sealDrawing(drawing, { ...options, edition })
      return await sendSealed(client, { sealed, sendId, options })
    } catch (error) {
      const isLost = error instanceof TelegramError && mayHaveMadeMessage(error)
      if (!isLost) await withdraw(client, vault, { error, sendId, options })
      if (!isLost) throw error
      const found = await adoptLostIndex(client, vault, options)
      if (found) return found
      await pause(LOOK_AGAIN_AFTER_MS, signal)
      const late = await adoptLostIndex(client, vault, options)
      if (late) return late
      if (tries >= TRIES || signal?.aborted) throw error
    }
  }
}

async function sendSealed(
  client: TelegramClient,
  { sealed, sendId, options }: { sealed: SealedIndex; sendId: string; options: IndexOptions },
): Promise<NewIndex> {
  const { chatId, signal, onWait } = options
  const { botId } = client
  const { fileName, bytes, caption, edition, sha256, contentSha256, names, undeletes } = sealed
  const document = { chatId, fileName, bytes, caption }
  const { messageId, fileId, sizeBytes, ...sent } = await client.sendDocument(document, { signal, onWait })
  if (sizeBytes !== bytes.length || String(sent.chatId) !== chatId) {
    const unprovenMessage = { chatId: sent.chatId, messageId }
    throw new TelegramError('Telegram did not store the index as it was sent', {
      code: 'UNPROVEN',
      unprovenMessage,
    })
  }
  const drawn = { sha256, edition, contentSha256, names, undeletes }
  return { chatId, messageId, fileId, botId, ...drawn, sendId }
}

/** After a send that made no message, or a useless one, which is removed. */
async function withdraw(
  client: TelegramClient,
  vault: VaultLedger,
  { error, sendId, options }: { error: unknown; sendId: string; options: IndexOptions },
): Promise<void> {
  const made = error instanceof TelegramError ? error.unprovenMessage : undefined
  const { signal, onWait } = options
  if (made) await client.deleteMessage(String(made.chatId), made.messageId, { signal, onWait })
  await vault.closeSend(sendId)
}

/**
 * A chat that has lost its index may belong to another catalog: then one of the last messages of a bot says
 * so. Removes the new index and throws `CONFIGURATION`.
 */
async function refuseForeignChat(
  client: TelegramClient,
  vault: VaultLedger,
  { index, hadIndex, options }: { index: NewIndex; hadIndex: boolean; options: IndexOptions },
): Promise<void> {
  const { chatId, signal, onWait } = options
  const { messageId, sendId } = index
  const identity = await vault.identity()
  for await (const catalog of catalogsBelow(client, vault, { messageId, hadIndex, options })) {
    const foreign = foreignCatalog(catalog, identity)
    if (!foreign) continue
    await client.deleteMessage(chatId, messageId, { signal, onWait })
    await vault.closeSend(sendId)
    throw foreign
  }
}

/**
 * Catalogs named by messages below a new index, newest first, without messages that this catalog knows.
 * Further down only an index counts, which a catalog that took the chat over has there; other messages may be
 * of an earlier owner.
 */
async function* catalogsBelow(
  client: TelegramClient,
  vault: VaultLedger,
  { messageId, hadIndex, options }: { messageId: number; hadIndex: boolean; options: IndexOptions },
): AsyncGenerator<CatalogName> {
  const { chatId, signal, onWait } = options
  const on = { signal, onWait }
  const nearest = messageId - LOOK_BACK
  const lowest = Math.max(1, hadIndex ? messageId - ASK_BACK : nearest)
  const known = await vault.knownMessageIds(chatId, { after: lowest - 1, upTo: messageId - 1 })
  const left = { there: LOOK_BACK, ours: LOOK_FURTHER }
  for (let id = messageId - 1; id >= lowest && left.ours > 0; id--) {
    if (known.has(id)) continue
    const isNear = id >= nearest
    const presence = isNear ? 'there' : await client.messageExists(chatId, id, on)
    if (presence === 'gone' || left[presence] === 0) continue
    const seen = await lookAtMessage(client, vault, { chatId, messageId: id, ...on })
    // A service message cannot be forwarded, but took a try as well; a near one may only be gone.
    if (seen !== undefined || !isNear) left[presence]--
    if (isFromElsewhere(seen, id) || isByPerson(seen)) continue
    const caption = parseCaption(seen?.caption)
    if (caption?.catalog && (isNear || caption.kind === 'index')) yield caption.catalog
  }
}

/**
 * Whether a message was forwarded into the chat; a forward of ours names the message itself as its origin.
 */
function isFromElsewhere(seen: SeenMessage | undefined, messageId: number): boolean {
  const { chatId, messageId: origin } = seen?.forwarded ?? {}
  return origin !== undefined && (origin !== messageId || chatId !== seen?.chatId)
}

/** Outside of channels a copy names the author; a hidden author is a person. */
function isByPerson(seen: SeenMessage | undefined): boolean {
  const { messageId: origin, isByBot = false } = seen?.forwarded ?? {}
  return seen?.forwarded !== undefined && origin === undefined && !isByBot
}

/** Removes a replaced index message; if it stays, the newer pin hides it. */
async function removeIndex(
  client: TelegramClient,
  { chatId, signal, onWait }: IndexOptions,
  messageId: number,
): Promise<void> {
  const on = { signal, onWait }
  const unlessRefused = (error: unknown): void => {
    if (!(error instanceof TelegramError) || error.code === 'CANCELLED') throw error
  }
  await client.unpinMessage(chatId, messageId, on).catch(unlessRefused)
  await client.deleteMessage(chatId, messageId, on).catch(unlessRefused)
}
