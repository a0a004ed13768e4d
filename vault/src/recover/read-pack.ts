import type { OpenedPack } from '@telegram-backup/archive'
import type { TelegramClient } from 'telegram-deployment-bot'
import type { PackPlace, PlacesOfPack } from '#recover/pack-places.ts'
import { isEncrypted, type SignedDocuments } from '#recover/signed-documents.ts'

/** The means to read packs. */
export interface PackReading {
  client: TelegramClient
  documents: SignedDocuments
}

/** A pack that opened and is believed, and the message that it was read from. */
export interface ReadPack {
  pack: OpenedPack
  /** With this bot's file id. */
  place: PackPlace & { fileId: string }
  /** Bytes of the document. */
  size: number
  /** It is encrypted. */
  encrypted: boolean
}

/** Why a pack was not taken. */
export interface RefusedPack {
  place: PackPlace
  /** The end of a sentence. */
  reason: string
  /** No message has its document any more. */
  isGone: boolean
  /** Only a matching key is missing. */
  isLocked: boolean
}

/**
 * Reads a pack from the first of its places that has it: by the file id of the index if it is this bot's,
 * else by its message. A pack whose signed header names another bucket, id or sequence than its caption or
 * the index is refused.
 */
export async function readPack(places: PlacesOfPack, of: PackReading): Promise<ReadPack | RefusedPack> {
  let refused: RefusedPack | undefined
  for (const place of places) {
    const read = await readFrom(place, of)
    if ('pack' in read) return read
    // What is there and is refused says more than what is gone.
    if (refused === undefined || (refused.isGone && !read.isGone)) refused = read
  }
  return refused ?? gone(places[0])
}

async function readFrom(
  place: PackPlace,
  { client, documents }: PackReading,
): Promise<ReadPack | RefusedPack> {
  const { packId, bucketId, sequence, isVouchedFor, sha256, size, botId } = place
  const expected = { sha256, ...(size !== undefined && { maxBytes: size }) }
  let { fileId } = place
  let found = place
  const own = fileId !== undefined && botId === client.botId ? fileId : undefined
  let file = own && (await documents.download(own, { ...expected, isBrief: true }))
  if (!file) {
    const seen = await place.reader.look(place.messageId)
    if (seen?.document === undefined || seen.facts?.kind !== 'pack') return gone(place)
    const { fileUniqueId } = seen.document
    fileId = seen.document.fileId
    found = { ...place, fileUniqueId, botId: client.botId, sentAt: seen.sentAt }
    file = await documents.download(fileId, expected)
  }
  if (!file || fileId === undefined) return gone(place)
  const refuse = (reason: string, isLocked = false): RefusedPack => ({
    ...{ place, reason, isLocked, isGone: false },
  })
  if (file.sha256 !== sha256)
    return refuse(isVouchedFor ? 'is not what was sent' : 'is not what its caption says')
  const reading = await documents.readPack(file, { isVouchedFor })
  if ('refusal' in reading) return refuse(reading.refusal.words, reading.refusal.isLocked)
  const { content: pack } = reading
  const { header } = pack
  if (header.bucket.id !== bucketId) return refuse('belongs to another bucket')
  if (header.pack !== packId) return refuse('is another pack')
  if (sequence !== undefined && header.sequence !== sequence) return refuse('has another number')
  const encrypted = isEncrypted(file.bytes)
  return { pack, place: { ...found, fileId }, size: file.bytes.length, encrypted }
}

function gone(place: PackPlace): RefusedPack {
  return { place, reason: 'is gone', isGone: true, isLocked: false }
}
