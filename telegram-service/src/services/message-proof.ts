import type { SeenMessage } from '#bot-api/bot-api-types.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'
import { PUBLIC_FETCH_LIMIT_BYTES, type TelegramClient } from '#bot-api/telegram-client.ts'
import { fetchDocument } from '#services/fetch-document.ts'
import type { OpenSend } from '#services/vault-ledger.ts'

/** A message with the bytes of an open send. */
export interface FoundMessage {
  open: OpenSend
  messageId: number
  /** Belong to the client's bot. */
  fileId: string
  fileUniqueId: string
  /** In bytes. */
  size: number
  /** Of the document, hex. */
  sha256: string
  caption: string
  sentAt: Date
  /** Size and SHA-256 are those of the download; an index is known by its edition. */
  proven: true
}

/** A message that claims to be that of an open send. */
export type MessageProof =
  | { kind: 'proven'; message: Omit<FoundMessage, 'open'> }
  /** Anybody can write such a caption. */
  | { kind: 'forged' }

/** L3: downloads and compares the bytes; an index is known by its edition. */
export async function proveMessage(
  client: TelegramClient,
  options: CallOptions & { messageId: number; message: SeenMessage; open: OpenSend },
): Promise<MessageProof> {
  const { messageId, message, open, ...on } = options
  const { document, caption = '', forwarded } = message
  if (document === undefined) return { kind: 'forged' }
  const { fileId, fileUniqueId } = document
  const file = await bytesOf(client, {
    fileId,
    size: open.sizeBytes ?? document.sizeBytes,
    sha256: open.sha256,
    ...on,
  })
  if (file === undefined) return { kind: 'forged' }
  const sentAt = forwarded?.date ?? message.date
  return {
    kind: 'proven',
    message: { messageId, fileId, fileUniqueId, ...file, caption, sentAt, proven: true },
  }
}

async function bytesOf(
  client: TelegramClient,
  expected: CallOptions & { fileId: string; size: number | undefined; sha256: string | null },
): Promise<{ size: number; sha256: string } | undefined> {
  const { fileId, size, sha256, ...on } = expected
  if (sha256 === null || size === undefined) {
    const { bytes, ...file } = await client.downloadFile(fileId, {
      ...on,
      maxBytes: size ?? PUBLIC_FETCH_LIMIT_BYTES,
    })
    return { size: bytes.length, sha256: file.sha256 }
  }
  const fetched = await fetchDocument(client, { fileId, size, sha256 }, { ...on, name: 'A lost message' })
  return fetched.state === 'right' ? { size, sha256 } : undefined
}
