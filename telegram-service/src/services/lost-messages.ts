import type { SeenMessage } from '#bot-api/bot-api-types.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import {
  type ParsedDocument,
  type ParsedEvidence,
  type ParsedPack,
  parseCaption,
} from '#messages/machine-line.ts'
import { editionCount, newEdition } from '#services/index-edition.ts'
import { removeLostCopies, type WeighedMessage } from '#services/lost-copies.ts'
import { type FoundMessage, proveMessage } from '#services/message-proof.ts'
import { isRemovedCopy } from '#services/own-copies.ts'
import { type LookOptions, lookAtMessage, newestMessageId } from '#services/seen-messages.ts'
import type { OpenSend, VaultLedger } from '#services/vault-ledger.ts'

export type { FoundMessage }

/** Most ids that one search looks at. */
const LIMIT = 500
/** Repeated searches, when forwards of the search itself were lost. */
const PASSES = 3

export interface FindLostOptions extends LookOptions {
  /** Undefined: any; `null`: of no backup. Only the lease's holder may look for a backup's sends. */
  backupId?: string | null | undefined
  /** Only these calls and copies; other ones may be under way. Default: all but those for packs. */
  sendIds?: ReadonlySet<string> | undefined
  limit?: number
}

/** It adopts nothing: the caller confirms a message, or erases it and closes its send. */
export interface LookResult {
  newestMessageId: number
  /** By ascending id. Of two for one part, the lowest id counts, unless another is proven. */
  found: FoundMessage[]
  /** Messages that no open send explains, or whose bytes are wrong. They are left alone. */
  surplus: SurplusMessage[]
  seen: number
  /** More ids are left; the next search goes on from there. */
  beyondLimit: boolean
}

export interface SurplusMessage {
  messageId: number
  reason: string
}

/**
 * L1 to L4: looks for the messages of all open sends, in one pass over the ids that the catalog does not
 * know, and removes copies of earlier looks. What was not found stays open, and is looked for above these ids
 * next time. Throws `CONFIGURATION` when the chat is not ours any more, and the client's errors.
 */
export async function findLostMessages(
  client: TelegramClient,
  vault: VaultLedger,
  options: FindLostOptions,
): Promise<LookResult> {
  const { chatId, backupId, sendIds, limit = LIMIT, ...on } = options
  const openSends = async (): Promise<OpenSend[]> => {
    const open = await vault.openSends({ chatId, backupId })
    return open.filter(
      ({ id, purpose, packId }) => purpose === 'copy' || (sendIds?.has(id) ?? packId === null),
    )
  }
  const result: LookResult = { newestMessageId: 0, found: [], surplus: [], seen: 0, beyondLimit: false }
  const lookedFor = new Set<string>()
  let open = await openSends()
  for (let pass = 0; open.length > 0 && pass < PASSES && !result.beyondLimit; pass++) {
    await lookOnce(client, vault, { ...on, chatId, backupId, limit: limit - result.seen, open, result })
    for (const { id } of open) lookedFor.add(id)
    // A forward of this search may have been lost.
    open = (await openSends()).filter(one => one.purpose === 'copy' && !lookedFor.has(one.id))
  }
  if (result.newestMessageId === 0) result.newestMessageId = (await vault.knownChat(chatId)).newestMessageId
  return result
}

async function lookOnce(
  client: TelegramClient,
  vault: VaultLedger,
  options: LookOptions & { limit: number; open: OpenSend[]; result: LookResult },
): Promise<void> {
  const { chatId, open, result, limit, ...on } = options
  const look = { chatId, ...on }
  const newest = await newestMessageId(client, vault, look)
  const from = Math.min(...open.map(one => startOf(one, newest, limit)))
  const known = await vault.knownMessageIds(chatId, { after: from, upTo: newest })
  const within: number[] = []
  let lookedUpTo = newest
  for (let id = from + 1; id < newest; id++) {
    if (known.has(id) || isRemovedCopy(client, chatId, id)) continue
    if (within.length >= limit) {
      lookedUpTo = id - 1
      break
    }
    within.push(id)
  }
  const hasMore = lookedUpTo < newest
  const seen = new Map<number, WeighedMessage>()
  const looksForCopies = open.some(({ purpose }) => purpose === 'copy')
  for (const messageId of within) {
    const isOurs = await mayBeOurs(client, { ...look, messageId, looksForCopies })
    const message = isOurs && (await lookAtMessage(client, vault, { ...look, messageId }))
    if (message) seen.set(messageId, { ...message, isSent: isOurs === 'sent' })
  }
  result.newestMessageId = newest
  result.seen += within.length
  result.beyondLimit ||= hasMore

  const found = await matchSends(client, { ...on, open, seen, result })
  const removed = await removeLostCopies(client, vault, { ...look, open, seen })
  result.found.push(...found)
  const settled = new Set([...found.map(one => one.open.id), ...removed])
  for (const { id } of open) if (!settled.has(id)) await vault.looked(id, { upTo: lookedUpTo, hasMore })
}

/** Asks without a trace. This bot has not sent what it cannot edit, but may have forwarded it. */
async function mayBeOurs(
  client: TelegramClient,
  options: LookOptions & { messageId: number; looksForCopies: boolean },
): Promise<'sent' | 'forwarded' | undefined> {
  const { chatId, messageId, looksForCopies, signal, onWait } = options
  const exists = await client.messageExists(chatId, messageId, { signal, onWait })
  if (exists === 'ours') return 'sent'
  return exists === 'there' && looksForCopies ? 'forwarded' : undefined
}

/** For an unknown chat, only the newest messages count. */
function startOf({ afterMessageId }: OpenSend, newest: number, limit: number): number {
  return afterMessageId === 0 ? Math.max(0, newest - 1 - limit) : afterMessageId
}

/** L3: proves each message that describes an open send, by ascending id, and matches it with one of them. */
async function matchSends(
  client: TelegramClient,
  options: CallOptions & {
    open: readonly OpenSend[]
    seen: ReadonlyMap<number, WeighedMessage>
    result: LookResult
  },
): Promise<FoundMessage[]> {
  const { open, seen, result, ...on } = options
  const found: FoundMessage[] = []
  const leave = (messageId: number, reason: string): void => void result.surplus.push({ messageId, reason })
  for (const [messageId, message] of seen) {
    const alike = message.isSent ? open.filter(one => describes(one, message)) : []
    const [first] = alike
    if (first === undefined) continue
    const proof = await proveMessage(client, { ...on, messageId, message, open: first })
    if (proof.kind === 'forged') leave(messageId, 'it has the caption of a lost message, but not its bytes')
    if (proof.kind !== 'proven') continue
    const [explanation] = alike
      .filter(one => one.afterMessageId < messageId && found.every(({ open: taken }) => taken.id !== one.id))
      .sort((one, other) => one.afterMessageId - other.afterMessageId)
    if (explanation) found.push({ ...proof.message, open: explanation })
    else leave(messageId, 'it is in the chat more than once')
  }
  return found
}

/** Whether the message claims to be what this call was to make. */
function describes(open: OpenSend, { caption, document }: SeenMessage): boolean {
  const parsed = parseCaption(caption)
  if (parsed === undefined || document === undefined) return false
  if (parsed.kind === 'index') {
    return open.purpose === 'index' && newEdition(editionCount(parsed.edition), open.id) === parsed.edition
  }
  return (
    parsed.kind !== 'tombstone' &&
    isOfIt(open, parsed) &&
    parsed.sha256 === open.sha256 &&
    (document.sizeBytes === undefined || document.sizeBytes === open.sizeBytes)
  )
}

function isOfIt(open: OpenSend, parsed: ParsedDocument | ParsedEvidence | ParsedPack): boolean {
  const purpose = parsed.kind === 'pack' && parsed.checkpoint !== undefined ? 'checkpoint' : parsed.kind
  if (purpose !== open.purpose) return false
  if (parsed.kind === 'evidence') return parsed.evidenceId === open.evidenceId
  if (parsed.kind === 'pack') return parsed.packId === open.packId
  return parsed.backupId === open.backupId && parsed.partNumber === (open.partNumber ?? 0)
}
