import {
  closeSend,
  confirmPackCopy,
  intendPackCopy,
  type Lease,
  mayIndexMissUndelete,
  type Pack,
  packsLackingCopy,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { type CallWait, DocumentSender, type SentMessage } from 'telegram-deployment-bot'
import type { PackChat } from '#objects/messages/pack-chats.ts'
import {
  assertPackWhole,
  captionOfPack,
  isPlaced,
  nameOfPack,
  type PackTools,
  usablePackFile,
} from '#objects/messages/pack-messages.ts'
import type { PackKey } from '#objects/messages/pack-sender.ts'
import { endsEverything } from '#session/session.ts'

/** Turns go round between copies and everything else that is sent to a chat. */
const FLOW = 'copies'
/** Packs of one round; the next round takes the next ones. */
const AT_ONCE = 1_000

export interface CopyPackTools extends PackTools {
  onWait?: ((wait: CallWait) => void) | undefined
}

/** A copy that was made. `isRepair`: the chat had the pack before. */
export interface CopiedPack {
  pack: Pack
  chatId: string
  messageId: number
  isRepair: boolean
}

/** Why a pack could not be copied now. */
export interface LeftPack {
  pack: Pack
  chatId: string
  code: string
  reason: string
}

/**
 * Before a chat gets copies of a bucket's packs: its index says what the catalog says of an undelete. Throws
 * `CONFIGURATION` when the chat belongs to another catalog, and the client's errors; nothing may be copied
 * then.
 */
export async function prepareForCopies(
  { database }: Pick<CopyPackTools, 'database'>,
  { bucketId, to }: { bucketId: string; to: PackChat },
): Promise<void> {
  if (await mayIndexMissUndelete(database, { bucketId, chatId: to.chatId })) await to.drawIndex()
}

/**
 * P8: sends the document of a pack by its file id to a chat that lacks it, or has lost it. Nothing is
 * uploaded; a source that may be damaged is read first. Throws `INTEGRITY` when the source is damaged,
 * `CONFIGURATION` when the chat belongs to another catalog, `CONFLICT` when it has the pack, `LEASE_LOST`,
 * `CATALOG`, and the client's errors. To be called after `prepareForCopies`.
 * @param of.from the chat that has it
 * @param of.lease of the writer, or on the bucket
 */
export async function copyPack(
  tools: CopyPackTools,
  pack: Pack,
  { from, to, lease }: { from: string; to: PackChat; lease: Lease },
): Promise<CopiedPack> {
  const { database, client, signal, onWait = () => {} } = tools
  const { id: packId, file_name: fileName, size: sizeBytes, sha256, messages } = pack
  const { chatId, lostAnswers } = to
  const source = messages.filter(isPlaced).find(message => message.chat_id === from)
  if (source === undefined) throw new TypeError(`${nameOfPack(pack)} is not in chat ${from}`)
  const fileId = await usablePackFile(tools, pack, source)
  const before = messages.find(message => message.chat_id === chatId)
  const isRepair = before !== undefined && before.state !== 'intended'
  if (isRepair || pack.damaged_at !== null || source.error !== null) {
    await assertPackWhole(tools, pack, { chatId: from, fileId })
  }
  const records = {
    holdsLease: () => lease.isHeld(),
    leaseLost: lease.signal,
    sendRefused: (sendId: string) => closeSend(database, sendId),
    // The row says that the message is intended: it is copied again.
    messageErased: async () => {},
  }
  const sender = new DocumentSender<PackKey>({
    ...{ client, records, chatId, flow: FLOW, lostAnswers, onWait },
  })
  const place = { packId, chatId, botId: client.botId, lease }
  const send = async (): Promise<SentMessage> =>
    await sender.send(
      {
        key: { kind: 'pack', packId, chatId },
        ...{ fileName, sizeBytes, sha256, document: { fileId } },
        caption: await captionOfPack(tools, pack, to),
        intend: () => intendPackCopy(database, place),
        confirm: async ({ sendId, ...proof }) => {
          await to.assertOwn()
          await confirmPackCopy(database, { ...place, sendId, ...proof })
        },
      },
      signal,
    )
  try {
    const { messageId } = await send()
    await sender.messages.eraseLateOnes(signal)
    return { pack, chatId, messageId, isRepair }
  } catch (error) {
    if (describeError(error).code === 'CONFLICT') await sender.messages.takeBack()
    throw error
  }
}

/**
 * Copies what each of two chats lacks of a bucket from the other one, in the order of the packs' numbers. A
 * pack that cannot be copied stops no other, unless no server answers. Throws what ends all work.
 * @param of.mayGoOn asked before each copy; false: the rest is for the next round
 * @param of.lease on the bucket
 */
export async function copyLackingPacks(
  tools: CopyPackTools,
  of: {
    bucketId: string
    chats: readonly [PackChat, PackChat]
    lease: Lease
    mayGoOn?: () => boolean
  },
): Promise<{ copied: CopiedPack[]; left: LeftPack[] }> {
  const { bucketId, chats, lease, mayGoOn = () => true } = of
  const copied: CopiedPack[] = []
  const left: LeftPack[] = []
  for (const [from, to] of [chats, chats.toReversed() as [PackChat, PackChat]]) {
    const lacking = await packsLackingCopy(tools.database, { bucketId, chatId: to.chatId, limit: AT_ONCE })
    if (lacking.length > 0) await prepareForCopies(tools, { bucketId, to })
    for (const pack of lacking) {
      if (!pack.messages.some(message => message.chat_id === from.chatId && isPlaced(message))) continue
      if (!lease.isHeld() || !mayGoOn()) return { copied, left }
      try {
        copied.push(await copyPack(tools, pack, { from: from.chatId, to, lease }))
      } catch (error) {
        const { code, message: reason } = describeError(error)
        if (endsEverything(tools, error) || code === 'UNREACHABLE' || code === 'LEASE_LOST') throw error
        left.push({ pack, chatId: to.chatId, code, reason })
      }
    }
  }
  return { copied, left }
}
