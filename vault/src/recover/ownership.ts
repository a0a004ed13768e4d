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

/** Whose a chat is, as its messages say. */
export type Owner = NonNullable<IndexSearch['owner']>

/** A chat that is to be this catalog's, and what was read of it. */
export interface ChatToTake {
  owner: Owner
  search: IndexSearch
  /** Numeric, as text. */
  chatId: string
}

/**
 * Whose the chat is. Signed documents say it; only without them, captions do. An index that is there and
 * cannot be read may be of a later generation than the manifests, and would then be against the next one of
 * theirs.
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
 * Generations count the seconds since then: until 2051 they have nine digits, and until 2083 captions can say
 * them.
 */
const FIRST_GENERATION_MS = Date.UTC(2020, 0, 1)
/** At most so many seconds a generation may be ahead of Telegram's clock; no takeover makes a greater one. */
const AHEAD_AT_MOST = 86_400

/**
 * Before the first backup is imported an empty catalog becomes the chat's, of generation 1. So a recovery
 * that is killed leaves a catalog that is refused in the chat, and cannot replace a whole index by half of
 * one. And no caption can raise the generation, which never becomes less.
 */
export async function adoptCatalog(database: Database, { catalogId }: Owner): Promise<void> {
  if ((await catalogIdentity(database)).isEmpty) await takeOver(database, { catalogId, generation: 1 })
}

/**
 * After the last backup: from now on every other catalog is refused in these chats, and so are older machines
 * of the same catalog. The new generation is above every one that there can have been. The chat need not show
 * them all: a machine that took it over and sent nothing is named by its index alone. So the generation comes
 * from Telegram's clock, not this machine's. Nothing happens when the chats are ours already. Throws the
 * client's errors.
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

/** Whether this catalog wrote the index that was found, or was about to. */
async function isOurs(vault: VaultLedger, { search, chatId }: ChatToTake): Promise<boolean> {
  const known = (await vault.knownChat(chatId)).index
  const shown = search.message?.facts.edition
  return known !== undefined && (known.edition === shown || known.nextEdition === shown)
}

function generationAt(time: Date): number {
  return Math.floor((time.getTime() - FIRST_GENERATION_MS) / 1000)
}

/** The chat gets an index of this catalog, in the place of the one that was found. */
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

/** The hash of no drawing, so that the next drawing differs from it. */
const UNKNOWN_SHA256 = '0'.repeat(64)

/**
 * The chat has another index than this catalog knew. The known message is of no use any more; the next
 * reconcile removes it.
 */
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

/** The index that was found is this catalog's from now on, and is replaced in place. */
async function adoptIndex(
  vault: VaultLedger,
  { botId }: { botId: string },
  { chatId, message }: { chatId: string; message: NonNullable<IndexSearch['message']> },
): Promise<void> {
  const { messageId, facts, document, sha256 = UNKNOWN_SHA256 } = message
  if ((await vault.knownChat(chatId)).index?.messageId === messageId) return
  const { edition } = facts
  await vault.intendIndexEdition(chatId, edition)
  const { fileId } = document
  await vault.confirmIndex({
    chatId,
    messageId,
    fileId,
    botId,
    sha256,
    edition,
    contentSha256: UNKNOWN_SHA256,
  })
}

/**
 * What others left in the chat says no more whose the chat is: those messages were read, and the new index
 * need not ask them.
 */
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

/** The index of a catalog whose chat was merged into this one: its backups are all recorded now. */
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
    // An index that is too old to be deleted stays as a document that nothing leads to; its row says where it
    // is.
    return
  }
  await forgetLeftover(database, { chatId, messageId })
}

/**
 * The keys for the new index: the configured ones, or those that belong to the key file. `CONFIGURATION`
 * without either.
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
