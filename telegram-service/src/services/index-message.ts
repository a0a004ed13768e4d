import { createHash } from 'node:crypto'
import {
  type Encryption,
  type IndexDrawing,
  indexContent,
  type SigningKey,
  sealIndex,
} from '@telegram-backup/archive'
import type { CallOptions } from '#bot-api/call-policy.ts'
import { lacksRightToPin } from '#bot-api/refusals.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { writeIndexCaption } from '#messages/captions.ts'
import { indexFileName } from '#messages/file-names.ts'
import { TelegramError } from '#telegram-error.ts'

export interface IndexOptions extends CallOptions {
  /** Numeric, as text. */
  chatId: string
  encryption: Encryption
  signingKey: SigningKey
  /** Seals an index anew that is up to date: with other keys than it was sealed with. */
  redraw?: boolean
}

/** A drawing of the index, ready to be sent. */
export interface SealedIndex {
  edition: string
  fileName: string
  bytes: Buffer
  caption: string
  /** Of the document, hex. */
  sha256: string
  /** Of its content, hex: the same for equal catalogs. */
  contentSha256: string
  /** Ids of the checkpoints and removed buckets that it names. */
  names: string[]
  /** Ids of the buckets that it names as taken back to a moment. */
  undeletes: string[]
}

/**
 * Pins the index. Without the right to pin it stays unpinned; captions still lead to it. Other refusals count
 * only if the chat does not show it as pinned: after a lost answer it may be.
 */
export async function pinIndex(
  client: TelegramClient,
  { chatId, messageId, signal, onWait }: CallOptions & { chatId: string; messageId: number },
): Promise<void> {
  const on = { signal, onWait }
  await client.pinMessage(chatId, messageId, on).catch(async (error: unknown) => {
    if (lacksRightToPin(error)) return
    if (!(error instanceof TelegramError) || error.code !== 'REFUSED') throw error
    const { pinned } = await client.getChat(chatId, on)
    if (pinned?.messageId !== messageId) throw error
  })
}

export async function sealDrawing(
  drawing: IndexDrawing,
  { encryption, signingKey, edition }: Omit<IndexOptions, 'chatId'> & { edition: string },
): Promise<SealedIndex> {
  const drawnAt = new Date().toISOString()
  const bytes = await sealIndex({ format: 1, edition, drawnAt, ...drawing }, { encryption, signingKey })
  const { catalogId: id, generation, buckets = [] } = drawing
  return {
    edition,
    fileName: indexFileName(encryption !== 'off'),
    bytes,
    caption: writeIndexCaption({ catalog: { id, generation }, edition }),
    sha256: hashOf(bytes),
    contentSha256: hashOf(indexContent(drawing)),
    names: buckets.flatMap(({ id, checkpoint, removedAt }) => [
      ...(checkpoint === undefined ? [] : [checkpoint.id]),
      ...(removedAt === undefined ? [] : [id]),
    ]),
    undeletes: buckets.filter(({ undeletingTo }) => undeletingTo !== undefined).map(({ id }) => id),
  }
}

export function hashOf(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
