import type { SeenMessage } from '#bot-api/bot-api-types.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { parseCaption } from '#messages/machine-line.ts'
import { type LookOptions, lookAtMessage, probeText } from '#services/seen-messages.ts'
import type { OpenSend, VaultLedger } from '#services/vault-ledger.ts'

/**
 * L2: removes the copies that looks of ours have left behind because an answer was lost, at most one for each such look,
 * and closes their sends. What people forwarded looks the same, and stays where no look of ours explains it. Returns the
 * ids of the messages that are gone, and of the sends that are closed.
 */
export async function removeLostCopies(
  client: TelegramClient,
  vault: VaultLedger,
  options: LookOptions & {
    open: readonly OpenSend[]
    /** What was seen, by ascending id. */
    seen: ReadonlyMap<number, SeenMessage>
    /** What is no copy. */
    originals: ReadonlySet<number>
  },
): Promise<{ messageIds: Set<number>; sendIds: Set<string> }> {
  const { open, seen, originals, ...look } = options
  const { chatId, signal, onWait } = look
  const copies = open.filter(one => one.purpose === 'copy')
  const sources = new Map<number, SeenMessage | undefined>(seen)
  const sourceOf = async (messageId: number): Promise<SeenMessage | undefined> => {
    if (!sources.has(messageId))
      sources.set(messageId, await lookAtMessage(client, vault, { ...look, messageId }))
    return sources.get(messageId)
  }
  const removed = { messageIds: new Set<number>(), sendIds: new Set<string>() }
  for (const [messageId, message] of seen) {
    if (originals.has(messageId)) continue
    const explanation = await firstOf(
      copies.filter(copy => !removed.sendIds.has(copy.id) && copy.afterMessageId < messageId),
      copy => isCopy(copy, { messageId, message, sourceOf }),
    )
    if (explanation === undefined) continue
    const expected = explanation.sourceMessageId === 0 ? 'ours' : 'there'
    const on = { signal, onWait }
    // A message that was sent, and not forwarded, is somebody's own, whatever it says.
    if ((await client.messageExists(chatId, messageId, on)) !== expected) continue
    await client.deleteMessage(chatId, messageId, on)
    await vault.closeSend(explanation.id)
    removed.messageIds.add(messageId)
    removed.sendIds.add(explanation.id)
  }
  return removed
}

async function isCopy(
  copy: OpenSend,
  of: {
    messageId: number
    message: SeenMessage
    sourceOf: (messageId: number) => Promise<SeenMessage | undefined>
  },
): Promise<boolean> {
  const { messageId, message, sourceOf } = of
  const sourceId = copy.sourceMessageId ?? 0
  if (sourceId === 0) return message.text === probeText(copy.id)
  if (sourceId === messageId) return false
  const source = await sourceOf(sourceId)
  if (source !== undefined) return saysTheSame(source, message)
  // The source is gone. Then a copy is known by where it comes from, or by naming the backup that was looked for.
  const { forwarded, caption } = message
  if (forwarded?.messageId !== undefined) {
    return forwarded.messageId === sourceId && forwarded.chatId === message.chatId
  }
  const parsed = parseCaption(caption)
  return copy.backupId !== null && parsed?.kind !== 'index' && parsed?.backupId === copy.backupId
}

/** Both are seen through a forward, which keeps the first origin, the words and the document. */
function saysTheSame(one: SeenMessage, other: SeenMessage): boolean {
  const facts = ({ text, caption, document, forwarded }: SeenMessage): string =>
    JSON.stringify([text, caption, document?.fileUniqueId, forwarded])
  return facts(one) === facts(other)
}

async function firstOf<Item>(
  items: readonly Item[],
  fits: (item: Item) => Promise<boolean>,
): Promise<Item | undefined> {
  for (const item of items) if (await fits(item)) return item
  return undefined
}
