import { type Encryption, recipientOf, type SigningKey } from '@telegram-backup/archive'
import { catalogIdentity, type Database, takeOver } from '@telegram-backup/database'
import { isMessageGone, refreshIndex, type TelegramClient, type VaultLedger } from 'telegram-deployment-bot'
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
  client: TelegramClient
  vault: VaultLedger
  chatId: string
  search: IndexSearch
  encryption: Encryption
  signingKey: SigningKey
  signal: AbortSignal
}): Promise<void> {
  const { client, vault, chatId, search, encryption, signingKey, signal } = of
  const { catalogId } = await vault.identity()
  const known = (await vault.knownChat(chatId)).index
  const { message } = search
  if (message !== undefined && message.facts.catalog.id !== catalogId) {
    await removeIndex(client, chatId, message.messageId, signal)
  } else if (message !== undefined && known?.messageId !== message.messageId) {
    await vault.confirmIndex({
      chatId,
      messageId: message.messageId,
      fileId: message.document.fileId,
      botId: client.botId,
      sha256: message.sha256 ?? UNKNOWN_SHA256,
      edition: message.facts.edition,
      contentSha256: UNKNOWN_SHA256,
    })
  }
  await refreshIndex(client, vault, { chatId, encryption, signingKey, signal })
}

/** Of no drawing: the next one differs from it. */
const UNKNOWN_SHA256 = '0'.repeat(64)

/** The index of a catalog whose chat was merged into this one: its backups are all recorded now. */
async function removeIndex(
  client: TelegramClient,
  chatId: string,
  messageId: number,
  signal: AbortSignal,
): Promise<void> {
  await client.unpinMessage(chatId, messageId, { signal }).catch((error: unknown) => {
    if (!isMessageGone(error)) throw error
  })
  // One that is too old to be deleted is only a document that nothing leads to any more.
  await client.deleteMessage(chatId, messageId, { signal }).catch(() => {})
}

/** The keys for the new index: the configured ones, or those that belong to the key file. */
export async function encryptionFor(
  configured: Encryption | undefined,
  identities: readonly string[],
): Promise<Encryption | undefined> {
  if (configured !== undefined) return configured
  if (identities.length === 0) return undefined
  return { recipients: await Promise.all(identities.map(recipientOf)) }
}
