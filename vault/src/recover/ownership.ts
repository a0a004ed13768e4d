import { type Encryption, recipientOf, type SigningKey } from '@telegram-backup/archive'
import {
  catalogIdentity,
  type Database,
  forgetLeftover,
  keepLeftover,
  takeOver,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import {
  isMessageGone,
  refreshIndex,
  type TelegramClient,
  telegramTime,
  type VaultLedger,
} from 'telegram-deployment-bot'
import type { ChatReader } from '#recover/chat-reader.ts'
import type { IndexSearch } from '#recover/index-search.ts'
import type { RecoveryTools } from '#recover/recovery-setup.ts'
import type { SignedDocuments } from '#recover/signed-documents.ts'

/** The owner of a chat, as its messages say. */
export type Owner = NonNullable<IndexSearch['owner']>

/** A chat to take over, and what was read of it. */
export interface ChatToTake {
  owner: Owner
  search: IndexSearch
  /** Numeric, as text. */
  chatId: string
}

/**
 * The owner of the chat: by signed documents; without any, by captions. An unreadable index may be of a later
 * generation than the manifests, so the generation in its caption counts as well.
 */
export function ownerOf(
  documents: SignedDocuments,
  { index, message }: IndexSearch,
  captionOwner: Owner | undefined,
): Owner | undefined {
  const signed = documents.owner
  if (signed === undefined) return captionOwner
  const shown = message?.facts.catalog
  if (index !== undefined || shown?.id !== signed.catalogId) return signed
  return { ...signed, generation: Math.max(signed.generation, shown.generation) }
}

/**
 * Generations count the seconds since then: nine digits until 2051, and captions can hold them until 2083.
 */
const FIRST_GENERATION_MS = Date.UTC(2020, 0, 1)
/**
 * A generation may be at most so many seconds ahead of Telegram's clock; a takeover never makes a greater
 * one.
 */
const AHEAD_AT_MOST = 86_400

/**
 * Before the first import an empty catalog gets the chat's catalog id, with generation 1. So a killed
 * recovery leaves a catalog that the chat refuses, and cannot replace a whole index with half of one. No
 * caption can raise the generation, which never decreases.
 */
export async function adoptCatalog(database: Database, { catalogId }: Owner): Promise<void> {
  if ((await catalogIdentity(database)).isEmpty) await takeOver(database, { catalogId, generation: 1 })
}

/**
 * After the last backup: from now on these chats refuse every other catalog, and older machines of this one.
 * The new generation is above every earlier one. The chat may not show them all (a machine may have taken it
 * over and sent nothing), so the generation comes from Telegram's clock. Does nothing when the chats are ours
 * already. Throws the client's errors.
 */
export async function takeChatsOver(
  { database, client, vault, signal }: RecoveryTools,
  chats: readonly [ChatToTake, ...ChatToTake[]],
): Promise<Owner> {
  const [{ owner, chatId }] = chats
  await adoptCatalog(database, owner)
  const { catalogId, generation } = await catalogIdentity(database)
  const lost: ChatToTake[] = []
  for (const chat of chats) {
    if (chat.owner.catalogId === catalogId && !(await isOurs(vault, chat))) lost.push(chat)
  }
  if (lost.length === 0) return { catalogId, generation }
  const clock = generationAt(await telegramTime(client, vault, { chatId, signal }))
  const reachable = [generation, ...lost.map(one => one.owner.generation)].filter(
    one => one <= Math.max(clock, 0) + AHEAD_AT_MOST,
  )
  const next = { catalogId, generation: Math.max(clock, ...reachable.map(one => one + 1)) }
  await takeOver(database, next)
  return next
}

/** Whether this catalog wrote the found index, or was about to. */
async function isOurs(vault: VaultLedger, { search, chatId }: ChatToTake): Promise<boolean> {
  const known = (await vault.knownChat(chatId)).index
  const shown = search.message?.facts.edition
  return known !== undefined && (known.edition === shown || known.nextEdition === shown)
}

function generationAt(time: Date): number {
  return Math.floor((time.getTime() - FIRST_GENERATION_MS) / 1000)
}

/** Writes the index of this catalog in place of the one that was found. */
export async function writeIndex(
  { database, client, vault, signal }: RecoveryTools,
  of: { reader: ChatReader; search: IndexSearch; seal: { encryption: Encryption; signingKey: SigningKey } },
): Promise<void> {
  const { reader, search, seal } = of
  const { chatId } = reader
  const { catalogId } = await vault.identity()
  const { message } = search
  const ofAnother = message !== undefined && message.facts.catalog.id !== catalogId
  await vault.withIndexLock(chatId, async () => {
    if (message === undefined) return
    await forgetOtherIndex(database, vault, { chatId, messageId: message.messageId })
    if (!ofAnother) await adoptIndex(vault, client, { chatId, message })
  })
  const read = { ...vault, knownMessageIds: readByRecover(vault, { reader, search }) }
  await refreshIndex(client, read, { chatId, ...seal, signal })
  if (ofAnother) await removeIndex(database, client, { chatId, messageId: message.messageId, signal })
}

/** No drawing has this hash, so the next drawing differs. */
const UNKNOWN_SHA256 = '0'.repeat(64)

/** When the catalog knew another index message, the next reconcile removes that. */
async function forgetOtherIndex(
  database: Database,
  vault: VaultLedger,
  { chatId, messageId }: { chatId: string; messageId: number },
): Promise<void> {
  const known = (await vault.knownChat(chatId)).index
  if (known === undefined || known.messageId === messageId) return
  await keepLeftover(database, { chatId, messageId: known.messageId })
  await vault.forgetIndex(chatId)
}

/** Makes the found index this catalog's, so that it is replaced in place. */
async function adoptIndex(
  vault: VaultLedger,
  { botId }: { botId: string },
  { chatId, message }: { chatId: string; message: NonNullable<IndexSearch['message']> },
): Promise<void> {
  const { messageId, sha256 = UNKNOWN_SHA256 } = message
  if ((await vault.knownChat(chatId)).index?.messageId === messageId) return
  const { edition } = message.facts
  await vault.intendIndexEdition(chatId, edition)
  const { fileId } = message.document
  const contentSha256 = UNKNOWN_SHA256
  await vault.confirmIndex({ chatId, messageId, fileId, botId, sha256, edition, contentSha256 })
}

/** The known ids, with those that recover has read: the new index need not check their owner again. */
function readByRecover(
  vault: VaultLedger,
  { reader, search }: { reader: ChatReader; search: IndexSearch },
): VaultLedger['knownMessageIds'] {
  return async (chatId, range) => {
    const known = new Set(await vault.knownMessageIds(chatId, range))
    if (search.message) known.add(search.message.messageId)
    const { catalogId } = await vault.identity()
    for (const id of [search.message?.facts.catalog.id, catalogId])
      for (const messageId of reader.messagesOf(id)) known.add(messageId)
    return known
  }
}

/** Removes the index of a catalog that was merged into this one. */
async function removeIndex(
  database: Database,
  client: TelegramClient,
  { chatId, messageId, signal }: { chatId: string; messageId: number; signal: AbortSignal },
): Promise<void> {
  await keepLeftover(database, { chatId, messageId })
  await client.unpinMessage(chatId, messageId, { signal }).catch((error: unknown) => {
    if (!isMessageGone(error)) throw error
  })
  try {
    await client.deleteMessage(chatId, messageId, { signal })
  } catch (error) {
    if (signal.aborted) throw error
    // It is too old to be deleted. It stays without a pin, and its row says where it is.
    return
  }
  await forgetLeftover(database, { chatId, messageId })
}

/**
 * The keys for the new index: the configured ones, or those of the key file. Throws `CONFIGURATION` without
 * any.
 */
export async function encryptionFor(
  configured: Encryption | undefined,
  identities: readonly string[],
): Promise<Encryption> {
  if (configured !== undefined) return configured
  if (identities.length === 0) {
    throw new BackupError('There is no public key to encrypt the index for', {
      code: 'CONFIGURATION',
      hint: 'Set BACKUP_AGE_RECIPIENTS, as for sending.',
    })
  }
  return { recipients: await Promise.all(identities.map(recipientOf)) }
}
