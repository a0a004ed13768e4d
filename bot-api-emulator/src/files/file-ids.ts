import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a file_id stands for. `nonce` tells apart several ids of one document. */
export interface FileReference {
  readonly botId: number
  readonly documentNumber: number
  readonly nonce: number
}

/** First bytes of a file_id: a document's ids begin with BQAC, as Telegram's do. */
const DOCUMENT_MARK = Buffer.from([5, 0, 2])
const MAC_BYTES = 8
const BODY_BYTES = DOCUMENT_MARK.length + 6 + 4 + 4

/**
 * Makes a file_id: base64url, so never with a dot, which would make it a URL. The mac makes guessed ids fail.
 */
export function encodeFileId(key: Buffer, reference: FileReference): string {
  const body = Buffer.alloc(BODY_BYTES)
  DOCUMENT_MARK.copy(body)
  body.writeUIntBE(reference.botId, 3, 6)
  body.writeUInt32BE(reference.documentNumber, 9)
  body.writeUInt32BE(reference.nonce >>> 0, 13)
  return Buffer.concat([body, macOf(key, body)]).toString('base64url')
}

/** Reads a file_id of any bot of this data folder; undefined for anything else. */
export function decodeFileId(key: Buffer, fileId: string): FileReference | undefined {
  const bytes = Buffer.from(fileId, 'base64url')
  if (bytes.length !== BODY_BYTES + MAC_BYTES || bytes.toString('base64url') !== fileId) return undefined
  const body = bytes.subarray(0, BODY_BYTES)
  if (!timingSafeEqual(bytes.subarray(BODY_BYTES), macOf(key, body))) return undefined
  return {
    botId: body.readUIntBE(3, 6),
    documentNumber: body.readUInt32BE(9),
    nonce: body.readUInt32BE(13),
  }
}

/** The file_unique_id of a document: the same for every bot and message, and no way to the bytes. */
export function fileUniqueId(key: Buffer, documentNumber: number): string {
  const digest = createHmac('sha256', key).update(`unique ${documentNumber}`).digest()
  return Buffer.concat([Buffer.from([2, 0]), digest.subarray(0, 9)]).toString('base64url')
}

function macOf(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest().subarray(0, MAC_BYTES)
}
