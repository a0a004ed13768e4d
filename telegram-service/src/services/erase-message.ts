import type { CallOptions } from '#bot-api/call-policy.ts'
import { isMessageGone, isNotDeletable, isNotEditable, isNotModified } from '#bot-api/refusals.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { writeTombstoneCaption } from '#messages/captions.ts'
import type { Tombstone } from '#messages/machine-line.ts'
import { TelegramError } from '#telegram-error.ts'

/** The message is gone, replaced by a few bytes, or still there. */
export type Erasure = { outcome: 'erased' | 'tombstone' } | { outcome: 'kept'; reason: string }

export interface EraseMessageOptions extends CallOptions {
  /** Numeric, as text. */
  chatId: string
  messageId: number
  /** Replaces it when it cannot be deleted. */
  tombstone: (
    | {
        backupId: string
        kind: 'part' | 'manifest'
        /** From 1; 0 for the manifest. */
        partNumber: number
      }
    | { packId: string }
  ) & { catalogId: string; generation: number }
}

/** For so long after it was sent, a bot may delete a message; afterwards it may only replace it. */
export const DELETABLE_FOR_MS: number = 48 * 3_600_000

const TOMBSTONE = { fileName: 'erased.txt', bytes: Buffer.from('erased\n') }

/**
 * E3: deletes the message; after 48 hours, when Telegram refuses that, replaces it by a tombstone. A missing
 * message counts as erased, so this may be repeated. Throws the client's errors for an outage.
 */
export async function eraseMessage(client: TelegramClient, options: EraseMessageOptions): Promise<Erasure> {
  const { chatId, messageId, tombstone, signal, onWait } = options
  try {
    await client.deleteMessage(chatId, messageId, { signal, onWait })
    return { outcome: 'erased' }
  } catch (error) {
    if (!isNotDeletable(error)) throw error
  }
  const { catalogId: id, generation } = tombstone
  const caption = writeTombstoneCaption({ ...contentOf(tombstone), catalog: { id, generation } })
  try {
    await client.editDocument({ chatId, messageId, caption, ...TOMBSTONE }, { signal, onWait })
    return { outcome: 'tombstone' }
  } catch (error) {
    if (isMessageGone(error)) return { outcome: 'erased' }
    if (isNotModified(error)) return { outcome: 'tombstone' }
    if (!isNotEditable(error)) throw error
    const why = error instanceof TelegramError ? error.description : undefined
    return {
      outcome: 'kept',
      reason: `Telegram neither deletes it (it is older than 48 hours, or the bot lacks the right) nor lets this bot replace it (${why})`,
    }
  }
}

function contentOf(tombstone: EraseMessageOptions['tombstone']): Tombstone {
  if ('packId' in tombstone) return { packId: tombstone.packId }
  const { backupId, kind, partNumber } = tombstone
  return { backupId, partNumber: kind === 'manifest' ? 0 : partNumber }
}
