import { hint, run } from '@telegram-backup/errors'
import type { SeenDocument, SeenMessage } from '#bot-api/bot-api-types.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { type ParsedIndex, parseCaption } from '#messages/machine-line.ts'
import { editionCount, newEdition } from '#services/index-edition.ts'
import type { VaultIdentity, VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

/** What is pinned in a chat: nothing, a message of other people, or an index of any catalog. */
export type PinnedIndex =
  | { kind: 'none' }
  | { kind: 'foreign'; messageId: number }
  | { kind: 'index'; messageId: number; caption: ParsedIndex; document: SeenDocument | undefined }

interface ShownIndex {
  kind: 'index'
  messageId: number
  caption: ParsedIndex
}

export async function readPinnedIndex(
  client: TelegramClient,
  chatId: string,
  options: CallOptions = {},
): Promise<PinnedIndex> {
  return pinnedIndexOf((await client.getChat(chatId, options)).pinned)
}

/** A forwarded index is of another chat, and a person's message is none, whatever its caption. */
export function pinnedIndexOf(pinned: SeenMessage | undefined): PinnedIndex {
  if (pinned === undefined) return { kind: 'none' }
  const { messageId, document, forwarded, isByPerson } = pinned
  const caption = parseCaption(pinned.caption)
  return caption?.kind === 'index' && forwarded === undefined && !isByPerson
    ? { kind: 'index', messageId, caption, document }
    : { kind: 'foreign', messageId }
}

/**
 * S2: checks by the pinned message that the chat belongs to this catalog. Sends nothing. Throws
 * `CONFIGURATION` for the chat of another catalog, of one that has taken over from ours, or of a copy of
 * ours; and while this catalog is being rebuilt, since its index would be incomplete.
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
  // Another process on this catalog may have replaced the index meanwhile.
  return vault.withIndexLock(chatId, async () => {
    const now = await readPinnedIndex(client, chatId, options)
    await assertOwnEdition(vault, chatId, now)
    return now
  })
}

/** Throws `CONFIGURATION` for an index that this catalog has not written. Call under the index lock. */
export async function assertOwnEdition(
  vault: VaultLedger,
  chatId: string,
  shown: PinnedIndex | ShownIndex,
): Promise<void> {
  const refusal = shown.kind === 'index' ? await refusalOf(vault, chatId, shown) : undefined
  if (refusal) throw refusal
}

/** Throws `CONFIGURATION` unless the caption is that of any index of this catalog. */
export function assertOwnIndex(caption: string | undefined, identity: VaultIdentity): void {
  const parsed = parseCaption(caption)
  const refusal = parsed?.kind === 'index' ? foreignCatalog(parsed.catalog, identity) : notOurs()
  if (refusal) throw refusal
}

/** The refusal of a chat that belongs to this catalog, if that is not ours. */
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

/** An index from before this catalog was rebuilt: unless it was read then, the chat's content is unknown. */
async function refusalOfUnread(vault: VaultLedger, chatId: string): Promise<TelegramError | undefined> {
  const { index } = await vault.knownChat(chatId)
  if (index !== undefined) return undefined
  return new TelegramError('What is in the chat was not recovered when this catalog was', {
    code: 'CONFIGURATION',
    hint: hint`Run "${run('recover')}" with this chat configured as before; else use another chat.`,
  })
}

/**
 * Whether this catalog wrote the edition, or was about to. In a known message, a smaller count is an edition
 * of ours that arrived late: a copy of the catalog would count on. In an unknown message it proves nothing,
 * since every new index begins to count.
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
  // A new index whose record is incomplete.
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
