import {
  beginPackErase,
  endPackErase,
  type Lease,
  markPackMessage,
  type Pack,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { eraseMessage } from 'telegram-deployment-bot'
import type { PackTools, PlacedPackMessage } from '#objects/messages/pack-messages.ts'
import { endsEverything } from '#session/session.ts'

export interface PackEraseTools extends PackTools {
  /**
   * Gives the id that a chat has now, after a look whether it still belongs to this catalog. Throws
   * `CONFIGURATION` if it does not, and the client's errors.
   */
  lookAtChat: (chatId: string) => Promise<{ chatId: string }>
}

/** What became of a message of a dead pack; see `ErasedMessage`. */
export interface ErasedPackMessage {
  pack: Pack
  chatId: string
  messageId: number
  outcome: 'erased' | 'tombstone' | 'kept' | 'unreachable'
  reason?: string | undefined
}

const MOVED = 'the group has become a supergroup: a message of the old one cannot be removed any more'

/**
 * G2 to G4: erases the messages of packs that nothing needs any more, in every chat, and goes on with those
 * that were begun. May be repeated: a message that is gone counts as erased. A message that can be neither
 * deleted nor replaced keeps its pack `erasing`, with the reason, and so does one in a chat of another
 * catalog. Throws `LEASE_LOST`, `CATALOG`, `CANCELLED`, and `UNREACHABLE` when no server answers.
 * @param of.lease on the bucket
 */
export async function erasePacks(
  tools: PackEraseTools,
  { bucketId, packIds, lease }: { bucketId: string; packIds: readonly string[]; lease: Lease },
): Promise<ErasedPackMessage[]> {
  const { database } = tools
  const outcomes: ErasedPackMessage[] = []
  for (const pack of await beginPackErase(database, { bucketId, packIds, lease })) {
    const messages = pack.messages.filter(isStillThere)
    let isGone = true
    for (const message of messages) {
      if (!lease.isHeld()) return outcomes
      const outcome = await eraseOne(tools, pack, message)
      outcomes.push(outcome)
      if (outcome.outcome === 'kept') isGone = false
    }
    if (isGone) await endPackErase(database, { packId: pack.id, lease })
  }
  return outcomes
}

function isStillThere(message: Pack['messages'][number]): message is PlacedPackMessage {
  return message.message_id !== null && message.state !== 'erased' && message.state !== 'tombstone'
}

async function eraseOne(
  tools: PackEraseTools,
  pack: Pack,
  message: PlacedPackMessage,
): Promise<ErasedPackMessage> {
  const { database, client, vault, lookAtChat, signal } = tools
  const { chat_id: chatId, message_id: messageId } = message
  const packId = pack.id
  const of = { pack, chatId, messageId }
  const keep = async (reason: string): Promise<void> => {
    await markPackMessage(database, { packId, chatId, state: noted(message), error: reason })
  }
  try {
    // Before each message: what is dead here, another catalog that took the chat over may have taken back.
    if ((await lookAtChat(chatId)).chatId !== chatId) {
      await keep(MOVED)
      return { ...of, outcome: 'unreachable', reason: MOVED }
    }
    const tombstone = { packId, ...(await vault.identity()) }
    const erasure = await eraseMessage(client, { chatId, messageId, tombstone, signal })
    if (erasure.outcome === 'kept') await keep(erasure.reason)
    else await markPackMessage(database, { packId, chatId, state: erasure.outcome })
    return { ...of, ...erasure }
  } catch (error) {
    const { message: reason, code } = describeError(error)
    // Without a network, each of the others would wait as long.
    if (code === 'UNREACHABLE' || endsEverything(tools, error)) throw error
    await keep(reason)
    return { ...of, outcome: 'kept', reason }
  }
}

/** The state stays when a reason is noted; an intended message has no id. */
function noted({ state }: PlacedPackMessage): 'sent' | 'missing' | 'damaged' {
  return state === 'missing' || state === 'damaged' ? state : 'sent'
}
