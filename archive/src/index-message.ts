import { BOT_ID, type CheckedObject, SHA256_HEX } from '#checked-json.ts'

/** A document in the chat of an index, such as a manifest. */
export interface IndexedManifest {
  messageId: number
  /** Belongs to the bot `botId`. */
  fileId: string
  /** Absent if unknown. */
  botId?: string
  /** Bytes. */
  size: number
  /** Hex. */
  sha256: string
}

/** @throws TypeError */
export function readIndexedMessage(message: CheckedObject): IndexedManifest {
  return {
    messageId: message.integer('messageId', 1),
    fileId: message.text('fileId'),
    ...(message.has('botId') && { botId: message.matching('botId', BOT_ID) }),
    size: message.integer('size', 1),
    sha256: message.matching('sha256', SHA256_HEX),
  }
}
