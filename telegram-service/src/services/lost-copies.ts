import type { SeenMessage } from '#bot-api/bot-api-types.ts'
import { isNotDeletable } from '#bot-api/refusals.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { parseCaption } from '#messages/machine-line.ts'
import { isProbeText, type LookOptions, lookAtMessage, probeText } from '#services/seen-messages.ts'
import type { OpenSend, VaultIdentity, VaultLedger } from '#services/vault-ledger.ts'

/** `isSent`: sent by us as it is; else forwarded, or somebody else's. */
export type WeighedMessage = SeenMessage & { isSent: boolean }

/**
 * L2: removes the copies that our looks left behind after lost answers, at most one for each look, and closes
 * their sends. A forward by people looks the same, and stays unless a look explains it. Returns the ids of
 * closed sends.
 */
export async function removeLostCopies(
  client: TelegramClient,
  vault: VaultLedger,
  options: LookOptions & {
    open: readonly OpenSend[]
    /** By ascending id, each read by a copy. */
    seen: ReadonlyMap<number, WeighedMessage>
  },
): Promise<Set<string>> {
  const { open, seen, ...look } = options
  const { chatId, signal, onWait } = look
  const copies = open.filter(one => one.purpose === 'copy')
  const sources = new Map<number, SeenMessage | undefined>(seen)
  const sourceOf = async (messageId: number): Promise<SeenMessage | undefined> => {
    if (!sources.has(messageId))
      sources.set(messageId, await lookAtMessage(client, vault, { ...look, messageId }))
    return sources.get(messageId)
  }
  const identity = await vault.identity()
  const closed = new Set<string>()
  for (const [messageId, message] of seen) {
    const possible = copies.filter(copy => !closed.has(copy.id) && copy.afterMessageId < messageId)
    const explanation = await firstOf(possible, copy =>
      isCopy(copy, { messageId, message, sourceOf, identity }),
    )
    if (explanation === undefined) continue
    await client.deleteMessage(chatId, messageId, { signal, onWait }).catch(async (error: unknown) => {
      // After 48 hours it stays. It is recorded, so that no search looks at it again.
      if (!isNotDeletable(error)) throw error
      await vault.keepLeftover({ chatId, messageId })
    })
    await vault.closeSend(explanation.id)
    closed.add(explanation.id)
  }
  return closed
}

async function isCopy(
  copy: OpenSend,
  of: {
    messageId: number
    message: WeighedMessage
    sourceOf: (messageId: number) => Promise<SeenMessage | undefined>
    identity: VaultIdentity
  },
): Promise<boolean> {
  const { messageId, message, sourceOf, identity } = of
  const sourceId = copy.sourceMessageId ?? 0
  if (sourceId === 0) return message.isSent && message.text === probeText(copy.id)
  if (message.isSent || !isForwarded(message, messageId, identity)) return false
  const source = await sourceOf(sourceId)
  // The source may have been a copy itself that is gone; then any copy may be this one.
  return source === undefined || hasSameOrigin(source, message)
}

/**
 * Whether a message was forwarded within this chat. In a channel its origin says so. Elsewhere it counts only
 * if a bot first wrote what only this catalog's messages say: people who copy it word by word are its
 * authors. A server that names no origin is judged by the words.
 */
function isForwarded(message: SeenMessage, messageId: number, { catalogId }: VaultIdentity): boolean {
  const { forwarded, caption, text, chatId } = message
  if (forwarded?.messageId !== undefined) {
    return forwarded.chatId === chatId && forwarded.messageId !== messageId
  }
  if (forwarded !== undefined && forwarded.isByBot !== true) return false
  return isProbeText(text) || parseCaption(caption)?.catalog?.id === catalogId
}

/** Compares origins, which a copy keeps. An index may have been replaced since it was copied. */
function hasSameOrigin(one: SeenMessage, other: SeenMessage): boolean {
  const identify = ({ caption, text, forwarded }: SeenMessage): string => {
    const says = parseCaption(caption)?.kind === 'index' ? 'index' : [caption, text]
    return JSON.stringify(forwarded?.messageId === undefined ? [forwarded, says] : forwarded)
  }
  return identify(one) === identify(other)
}

async function firstOf<Item>(
  items: readonly Item[],
  fits: (item: Item) => Promise<boolean>,
): Promise<Item | undefined> {
  for (const item of items) if (await fits(item)) return item
  return undefined
}
