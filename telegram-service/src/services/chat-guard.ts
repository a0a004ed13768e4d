import { hint, run } from '@telegram-backup/errors'
import type { SeenDocument, SeenMessage } from '#bot-api/bot-api-types.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { type ParsedIndex, parseCaption } from '#messages/machine-line.ts'
import { editionCount, newEdition } from '#services/index-edition.ts'
import type { VaultIdentity, VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

/** What is pinned in a chat: nothing, something of people’s, or an index of this program, whoever’s it is. */
export type PinnedIndex =
  | { kind: 'none' }
  | { kind: 'foreign'; messageId: number }
  | { kind: 'index'; messageId: number; caption: ParsedIndex; document: SeenDocument | undefined }

/** An index message, and what it says of itself. */
interface ShownIndex {
  kind: 'index'
  messageId: number
  caption: ParsedIndex
}

/** What the chat shows as pinned now. */
export async function readPinnedIndex(
  client: TelegramClient,
  chatId: string,
  options: CallOptions = {},
): Promise<PinnedIndex> {
  return pinnedIndexOf((await client.getChat(chatId, options)).pinned)
}

/**
 * The same of a message that the chat said is pinned. A forwarded index is only talk about another chat, and what a person
 * wrote is none, whatever its caption says.
 */
export function pinnedIndexOf(pinned: SeenMessage | undefined): PinnedIndex {
  if (pinned === undefined) return { kind: 'none' }
  const { messageId, document, forwarded, isByPerson } = pinned
  const caption = parseCaption(pinned.caption)
  return caption?.kind === 'index' && forwarded === undefined && !isByPerson
    ? { kind: 'index', messageId, caption, document }
    : { kind: 'foreign', messageId }
}

/**
 * S2: the chat belongs to this catalog, as far as its pinned message tells. Sends nothing. Throws `CONFIGURATION` for the
 * chat of another catalog, of one that has taken over from ours, or of a copy of ours that goes on elsewhere; and while
 * this catalog is being rebuilt, since its index would be half of one.
 */
export async function guardChat(
  client: TelegramClient,
  vault: VaultLedger,
  access: { chatId: string; pinned?: SeenMessage | undefined },
  options: CallOptions = {},
): Promise<PinnedIndex> {
  const { chatId } = access
  if ((await vault.identity()).isRecovering) throw halfRecovered()
  const pinned = pinnedIndexOf(access.pinned)
  if (pinned.kind !== 'index' || (await refusalOf(vault, chatId, pinned)) === undefined) return pinned
  // What was read is from before; meanwhile another process on this catalog may have replaced the index.
  return vault.withIndexLock(chatId, async () => {
    const now = await readPinnedIndex(client, chatId, options)
    await assertOwnEdition(vault, chatId, now)
    return now
  })
}

/** Throws `CONFIGURATION` for an index that this catalog has not written. To be called under the lock of the index. */
export async function assertOwnEdition(
  vault: VaultLedger,
  chatId: string,
  shown: PinnedIndex | ShownIndex,
): Promise<void> {
  const refusal = shown.kind === 'index' ? await refusalOf(vault, chatId, shown) : undefined
  if (refusal) throw refusal
}

/** Throws `CONFIGURATION` unless the caption is that of an index of this catalog, in whatever edition. */
export function assertOwnIndex(caption: string | undefined, identity: VaultIdentity): void {
  const parsed = parseCaption(caption)
  const refusal = parsed?.kind === 'index' ? foreignCatalog(parsed.catalog, identity) : notOurs()
  if (refusal) throw refusal
}

/** The refusal for a chat that belongs to this catalog, if it is not ours. */
export function foreignCatalog(
  catalog: { id: string; generation: number },
  identity: VaultIdentity,
): TelegramError | undefined {
  if (catalog.id !== identity.catalogId) return notOurs()
  if (catalog.generation <= identity.generation) return undefined
  return refusedChat('The chat was taken over by a newer generation of this catalog')
}

async function refusalOf(
  vault: VaultLedger,
  chatId: string,
  { messageId, caption: { catalog, edition } }: ShownIndex,
): Promise<TelegramError | undefined> {
  const identity = await vault.identity()
  const foreign = foreignCatalog(catalog, identity)
  if (foreign) return foreign
  if (catalog.generation < identity.generation) return await refusalOfUnread(vault, chatId)
  if (await isOwnEdition(vault, chatId, { messageId, edition })) return undefined
  return refusedChat('The index in the chat was written by another copy of this catalog')
}

/** An index from before this catalog was rebuilt: unless it was read then, nobody knows what lies in the chat. */
async function refusalOfUnread(vault: VaultLedger, chatId: string): Promise<TelegramError | undefined> {
  const { index } = await vault.knownChat(chatId)
  if (index !== undefined) return undefined
  return new TelegramError('What is in the chat was not recovered when this catalog was', {
    code: 'CONFIGURATION',
    hint: hint`Run "${run('recover')}" with this chat configured as before; else use another chat.`,
  })
}

/**
 * Whether this catalog wrote the edition, or was about to. In a message of ours, an edition that counts less than the recorded
 * one is one that was replaced and came late after all: a copy of the catalog that goes on elsewhere counts on from there.
 * In a message that this catalog does not know it says nothing: whoever begins an index begins to count.
 */
async function isOwnEdition(
  vault: VaultLedger,
  chatId: string,
  { messageId, edition }: { messageId: number; edition: string },
): Promise<boolean> {
  const { index } = await vault.knownChat(chatId)
  const known = [index?.edition, index?.nextEdition].filter(one => one !== undefined)
  if (known.includes(edition)) return true
  const count = editionCount(edition)
  if (known.some(one => count < editionCount(one)) && (await isKnownMessage(vault, chatId, messageId)))
    return true
  // A new index whose record was not finished.
  const open = (await vault.openSends({ chatId })).filter(({ purpose }) => purpose === 'index')
  return open.some(({ id }) => newEdition(count, id) === edition)
}

async function isKnownMessage(vault: VaultLedger, chatId: string, messageId: number): Promise<boolean> {
  return (await vault.knownMessageIds(chatId, { after: messageId - 1, upTo: messageId })).has(messageId)
}

function halfRecovered(): TelegramError {
  return new TelegramError('This catalog was not recovered to the end', {
    code: 'CONFIGURATION',
    hint: hint`Run "${run('recover')}" again; it goes on from what is there.`,
  })
}

function notOurs(): TelegramError {
  return refusedChat('The chat belongs to another catalog')
}

function refusedChat(message: string): TelegramError {
  return new TelegramError(message, {
    code: 'CONFIGURATION',
    hint: hint`If the other one is gone for good, take the chat over with "${run('recover')}"; else use another chat.`,
  })
}
