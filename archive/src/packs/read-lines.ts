import { BOT_ID, CheckedObject, SHA256_HEX, UUID } from '#checked-json.ts'
import { parsedSizeBytes } from '#json-bytes.ts'
import type { CheckpointedObject, CheckpointedPack, CheckpointLine } from '#packs/pack-header.ts'
import { readExtents, readKey, readVersion } from '#packs/read-records.ts'

const CHAT_ID = /^-?\d{1,20}$/
/** A pack has a message in each chat of the vault. */
const MAX_MESSAGES = 16

/** Shorter lines need no look at what they would take. */
const SHORT_LINE_BYTES = 16 * 1024
/** Most heap of a parsed line; the longest one needs 5 MB. */
const MAX_PARSED_BYTES = 32 * 1024 * 1024
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @throws Error for what is no JSON, or would take too much memory */
export function parseLine(text: Buffer): unknown {
  if (text.length > SHORT_LINE_BYTES && parsedSizeBytes(text) > MAX_PARSED_BYTES)
    throw new TypeError('a line that would take too much memory')
  return JSON.parse(utf8.decode(text))
}

/** @throws TypeError for what is no line of a checkpoint */
export function readCheckpointLine(json: unknown): CheckpointLine {
  const line = new CheckedObject(json)
  return line.has('pack')
    ? { pack: readPack(line.object('pack')) }
    : { object: readObject(line.object('object')) }
}

function readPack(pack: CheckedObject): CheckpointedPack {
  return {
    id: pack.matching('id', UUID),
    sequence: pack.integer('sequence', 1),
    size: pack.integer('size', 1),
    sha256: pack.matching('sha256', SHA256_HEX),
    plainSize: pack.integer('plainSize'),
    encrypted: pack.boolean('encrypted'),
    messages: pack
      .array('messages', { least: 0, most: MAX_MESSAGES })
      .map(message => readMessage(new CheckedObject(message))),
  }
}

function readMessage(message: CheckedObject): CheckpointedPack['messages'][number] {
  return {
    chat: message.matching('chat', CHAT_ID),
    message: message.integer('message', 1),
    ...(message.has('file') && { file: message.storable('file', 1024) }),
    ...(message.has('bot') && { bot: message.matching('bot', BOT_ID) }),
  }
}

function readObject(fields: CheckedObject): CheckpointedObject {
  const version = readVersion(fields)
  return {
    key: readKey(fields, 'key'),
    ...version,
    pack: fields.matching('pack', UUID),
    sequence: fields.integer('sequence', 1),
    extents: readExtents(fields, version.size).map(({ pack, ...place }) => {
      if (pack === undefined) throw new TypeError('an extent without its pack')
      return { pack, ...place }
    }),
    ...(fields.has('deletedAt') && { deletedAt: fields.time('deletedAt') }),
  }
}
