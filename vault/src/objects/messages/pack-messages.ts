import {
  bucketById,
  checkpointPartCount,
  type Database,
  learnPackFile,
  markPackMessage,
  type Pack,
  type PackMessage,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import {
  fetchDocument,
  readDocument,
  type TelegramClient,
  type VaultLedger,
  writePackCaption,
} from 'telegram-deployment-bot'

/** What work on packs in chats needs. */
export interface PackTools {
  database: Database
  client: TelegramClient
  vault: VaultLedger
  signal: AbortSignal
}

/** A message that the catalog says is in its chat. */
export type PlacedPackMessage = PackMessage & { message_id: number }

export function isPlaced(message: PackMessage): message is PlacedPackMessage {
  return message.state === 'sent' && message.message_id !== null
}

/** For people, in the middle of a sentence. */
export function nameOfPack({ sequence, bucket_id }: Pick<Pack, 'sequence' | 'bucket_id'>): string {
  return `pack ${sequence} of bucket ${bucket_id}`
}

/** What a message of the pack says in a chat, as its own sender would have written it. */
export async function captionOfPack(
  { database, vault }: Pick<PackTools, 'database' | 'vault'>,
  pack: Pack,
  { indexMessageId }: { indexMessageId: number | undefined },
): Promise<string> {
  const { catalogId: id, generation } = await vault.identity()
  const bucket = await bucketById(database, pack.bucket_id)
  const { checkpoint_id: checkpointId, part_no: part } = pack
  const checkpoint =
    checkpointId === null || part === null
      ? undefined
      : { id: checkpointId, part, last: part === (await checkpointPartCount(database, checkpointId)) }
  return writePackCaption({
    packId: pack.id,
    bucketId: pack.bucket_id,
    sequence: pack.sequence,
    checkpoint,
    sha256: pack.sha256,
    catalog: { id, generation },
    indexMessageId,
    bucket: bucket?.name ?? '',
    project: bucket?.project_id ?? '',
    createdAt: pack.intended_at,
  })
}

/**
 * A file id of this bot for a message: the known one, or the one that a new bot reads from the message.
 * Throws `INTEGRITY`, and records it, when the message is gone or holds another document.
 */
export async function usablePackFile(
  { database, client, vault, signal }: PackTools,
  pack: Pack,
  { chat_id: chatId, message_id: messageId, file_id, bot_id }: PlacedPackMessage,
): Promise<string> {
  if (file_id !== null && bot_id === client.botId) return file_id
  const { id: packId, size, sha256 } = pack
  const expected = { size, sha256 }
  const current = await readDocument(client, vault, { chatId, messageId, expected, signal })
  if (current.outcome !== 'found') {
    throw await noteLoss(database, pack, {
      chatId,
      state: current.outcome === 'gone' ? 'missing' : 'damaged',
    })
  }
  const { fileId, fileUniqueId } = current
  await learnPackFile(database, { packId, chatId, messageId, fileId, fileUniqueId, botId: client.botId })
  return fileId
}

/** Reads the document to the last byte. Throws `INTEGRITY`, and records it, when it is not what was sent. */
export async function assertPackWhole(
  { database, client, signal }: PackTools,
  pack: Pack,
  { chatId, fileId }: { chatId: string; fileId: string },
): Promise<void> {
  const { size, sha256 } = pack
  const name = `${nameOfPack(pack)} in chat ${chatId}`
  const fetched = await fetchDocument(client, { fileId, size, sha256 }, { name, signal })
  // A file that the server refuses today may come tomorrow: that is no damage.
  if (fetched.state === 'refused') throw fetched.failure
  if (fetched.state !== 'right') throw await noteLoss(database, pack, { chatId, state: 'damaged' })
}

async function noteLoss(
  database: Database,
  pack: Pack,
  { chatId, state }: { chatId: string; state: 'missing' | 'damaged' },
): Promise<BackupError> {
  const error = `${nameOfPack(pack)} in chat ${chatId} is ${state}`
  await markPackMessage(database, { packId: pack.id, chatId, state, error })
  return new BackupError(error, {
    code: 'INTEGRITY',
    hint: 'A second chat can restore messages that this chat has lost.',
  })
}
