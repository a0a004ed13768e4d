import { type Encryption, recipientOf, type SigningKey } from '@telegram-backup/archive'
import {
  catalogIdentity,
  type Database,
  forgetRemnant,
  keepRemnant,
  takeOver,
} from '@telegram-backup/database'
import { isMessageGone, refreshIndex, type TelegramClient, type VaultLedger } from 'telegram-deployment-bot'
import { BackupError } from '#lib/backups/backup-error.ts'
import type { ChatReader } from '#recovery/chat-reader.ts'
import type { IndexSearch } from '#recovery/index-search.ts'

/** Whose a chat is, as its messages tell. */
export type Owner = NonNullable<IndexSearch['owner']>

/**
 * Before the first backup is imported: an empty catalog becomes the chat's. It takes over the generation as well, not the
 * next one: whoever kills recover in its middle has a catalog that is refused in the chat, not one that replaces a whole
 * index by half of one.
 */
export async function adoptCatalog(database: Database, owner: Owner): Promise<void> {
  if ((await catalogIdentity(database)).isEmpty) await takeOver(database, owner)
}

/**
 * After the last one: from now on every other catalog is refused in the chat, older machines of the same one among them.
 * Nothing happens when the chat is ours already.
 */
export async function takeChatOver(
  database: Database,
  of: { owner: Owner; search: IndexSearch; vault: VaultLedger; chatId: string },
): Promise<Owner> {
  const { owner, search, vault, chatId } = of
  const { catalogId, generation } = await catalogIdentity(database)
  const known = (await vault.knownChat(chatId)).index
  const shown = search.message?.facts.edition
  const isOurs = known !== undefined && (known.edition === shown || known.nextEdition === shown)
  if (catalogId !== owner.catalogId || isOurs || generation > owner.generation)
    return { catalogId, generation }
  await takeOver(database, { catalogId, generation: owner.generation + 1 })
  return { catalogId, generation: owner.generation + 1 }
}

/** The chat gets an index of this catalog, in the place of the one that was found. */
export async function writeIndex(of: {
  database: Database
  client: TelegramClient
  vault: VaultLedger
  reader: ChatReader
  search: IndexSearch
  encryption: Encryption
  signingKey: SigningKey
  signal: AbortSignal
}): Promise<void> {
  const { database, client, vault, reader, search, encryption, signingKey, signal } = of
  const { chatId } = reader
  const { catalogId } = await vault.identity()
  const { message } = search
  const ofAnother = message !== undefined && message.facts.catalog.id !== catalogId
  await vault.withIndexLock(chatId, async () => {
    if (message === undefined) return
    await forgetOtherIndex(database, vault, { chatId, messageId: message.messageId })
    if (!ofAnother) await adoptIndex(vault, client, { chatId, message })
  })
  const merged = { ...vault, knownMessageIds: readByRecover(vault, { reader, search }) }
  await refreshIndex(client, ofAnother ? merged : vault, { chatId, encryption, signingKey, signal })
  if (ofAnother) await removeIndex(database, client, { chatId, messageId: message.messageId, signal })
}

/** Of no drawing: the next one differs from it. */
const UNKNOWN_SHA256 = '0'.repeat(64)

/** The chat has another index than this catalog knew. That message is nothing any more, and the next reconcile removes it. */
async function forgetOtherIndex(
  database: Database,
  vault: VaultLedger,
  { chatId, messageId }: { chatId: string; messageId: number },
): Promise<void> {
  const known = (await vault.knownChat(chatId)).index
  if (known === undefined || known.messageId === messageId) return
  await keepRemnant(database, { chatId, messageId: known.messageId })
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
 * What the other catalog left in the chat says no more whose the chat is: those messages were looked at, and the new index
 * need not ask them.
 */
function readByRecover(
  vault: VaultLedger,
  { reader, search }: { reader: ChatReader; search: IndexSearch },
): VaultLedger['knownMessageIds'] {
  return async (chatId, range) => {
    const known = new Set(await vault.knownMessageIds(chatId, range))
    const catalogId = search.message?.facts.catalog.id
    if (search.message) known.add(search.message.messageId)
    for (const id of reader.messagesOf(catalogId)) known.add(id)
    return known
  }
}

/** The index of a catalog whose chat was merged into this one: its backups are all recorded now. */
async function removeIndex(
  database: Database,
  client: TelegramClient,
  { chatId, messageId, signal }: { chatId: string; messageId: number; signal: AbortSignal },
): Promise<void> {
  await keepRemnant(database, { chatId, messageId })
  await client.unpinMessage(chatId, messageId, { signal }).catch((error: unknown) => {
    if (!isMessageGone(error)) throw error
  })
  try {
    await client.deleteMessage(chatId, messageId, { signal })
  } catch (error) {
    if (signal.aborted) throw error
    // One that is too old to be deleted is only a document that nothing leads to any more; its row says where it is.
    return
  }
  await forgetRemnant(database, { chatId, messageId })
}

/** The keys for the new index: the configured ones, or those that belong to the key file. `CONFIGURATION` without either. */
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
