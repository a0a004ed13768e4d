import {
  acquireLease,
  bucketsToTend,
  CatalogError,
  confirmPackCopy,
  deadPacks,
  findPack,
  findPacks,
  type Lease,
  livingWriters,
  openSends,
} from '@telegram-backup/database'
import type { FoundMessage } from 'telegram-deployment-bot'
import { copyLackingPacks } from '#objects/messages/copy-pack.ts'
import { type ErasedPackMessage, erasePacks } from '#objects/messages/erase-packs.ts'
import { type PackChat, PackChats } from '#objects/messages/pack-chats.ts'
import { lookForPacks } from '#objects/reconcile/look-for-packs.ts'
import { reportedPack } from '#session/report.ts'
import { reportPending, type VaultSession } from '#session/session.ts'

/** Packs whose erasing was begun, of one bucket and round. */
const ERASING_AT_ONCE = 1_000

/**
 * R10, for each bucket that no living process tends: copies whose answers were lost, packs that one of two
 * chats lacks, and erasing that was begun. The report says what could not be done. Throws when the catalog
 * fails or the signal fires.
 * @param only of one bucket
 */
export async function repairBuckets(session: VaultSession, only?: { bucketId: string }): Promise<void> {
  const { database } = session
  const all = await bucketsToTend(database)
  const buckets = all.filter(({ bucket }) => only === undefined || bucket.id === only.bucketId)
  if (buckets.length === 0) return
  const chats = await chatsOf(session)
  for (const { bucket } of buckets) {
    const lease = await acquireLease(database, { subject: bucket.id, purpose: 'reconcile' })
    // Another process tends it.
    if (lease === null) continue
    try {
      await lookForCopies(session, { bucketId: bucket.id, lease })
      if (chats) await copyLacking(session, { bucketId: bucket.id, lease, chats })
      await resumeErasing(session, { bucketId: bucket.id, lease })
    } catch (error) {
      reportPending(session, {}, error)
    } finally {
      await lease.release()
    }
  }
}

/**
 * R2 for copies of packs: those that are there are adopted. Copies that a living writer may be making are
 * left alone.
 * @param of.lease on the bucket
 * @param of.isUnderWay whether this process is making a copy of the pack; `own` is its writer
 */
export async function lookForCopies(
  session: VaultSession,
  of: {
    bucketId: string
    lease: Lease
    own?: { writer: string | undefined; isUnderWay: (packId: string) => boolean }
  },
): Promise<void> {
  const { database } = session
  const { bucketId, lease, own } = of
  const calls = (await openSends(database, { backupId: null })).filter(({ packId }) => packId !== null)
  if (calls.length === 0) return
  const living = await livingWriters(database)
  const packs = await findPacks(
    database,
    calls.map(({ packId }) => packId ?? ''),
  )
  const abandoned = new Set<string>()
  for (const { id, bucket_id, state, writer, messages } of packs) {
    if (bucket_id !== bucketId || state === 'intended') continue
    const mayBeUnderWay = writer === own?.writer ? own.isUnderWay(id) : living.has(writer)
    if (mayBeUnderWay) continue
    for (const { chat_id, state: there } of messages) {
      if (there === 'intended') abandoned.add(`${id} ${chat_id}`)
    }
  }
  const lost = calls.filter(({ packId, chatId }) => abandoned.has(`${packId} ${chatId}`))
  await lookForPacks(session, lost, found => adoptCopy(session, found, lease))
}

async function adoptCopy(
  { database, client, report }: VaultSession,
  { open, messageId, fileId, fileUniqueId, sentAt }: FoundMessage,
  lease: Lease,
): Promise<boolean> {
  const { packId, chatId, id: sendId } = open
  if (packId === null) return false
  const message = { packId, chatId, messageId, fileId, fileUniqueId, sentAt, sendId }
  try {
    await confirmPackCopy(database, { ...message, botId: client.botId, lease })
  } catch (error) {
    if (error instanceof CatalogError && (error.code === 'CONFLICT' || error.code === 'NOT_FOUND'))
      return false
    throw error
  }
  const pack = await findPack(database, packId)
  if (pack) report.packs.push({ ...reportedPack(pack, { chatId, messageId }), outcome: 'adopted' })
  return true
}

/** The two configured chats; undefined without a second one, and when they cannot be compared. */
async function chatsOf(session: VaultSession): Promise<readonly [PackChat, PackChat] | undefined> {
  const { client, vault, chatId, replicaChatId, indexSeal, signal, onWait } = session
  if (chatId === undefined || replicaChatId === undefined || indexSeal === undefined) return undefined
  const chats = new PackChats({ client, vault, ...indexSeal, signal, onWait })
  try {
    const pair = [await chats.enter(chatId), await chats.enter(replicaChatId)] as const
    return pair[0].chatId === pair[1].chatId ? undefined : pair
  } catch (error) {
    reportPending(session, { chat_id: replicaChatId }, error)
    return undefined
  }
}

async function copyLacking(
  session: VaultSession,
  of: { bucketId: string; lease: Lease; chats: readonly [PackChat, PackChat] },
): Promise<void> {
  const { report } = session
  const { copied, left } = await copyLackingPacks(session, of)
  for (const { pack, isRepair, ...message } of copied) {
    report.packs.push({ ...reportedPack(pack, message), outcome: isRepair ? 'mended' : 'copied' })
  }
  for (const { pack, chatId, code, reason } of left) {
    report.pending.push({ pack_id: pack.id, chat_id: chatId, code, reason })
  }
}

async function resumeErasing(
  session: VaultSession,
  { bucketId, lease }: { bucketId: string; lease: Lease },
): Promise<void> {
  const packs = await deadPacks(session.database, { bucketId, limit: ERASING_AT_ONCE })
  const packIds = packs.filter(({ state }) => state === 'erasing').map(({ id }) => id)
  if (packIds.length === 0) return
  const { client, vault, gates, indexSeal, signal, onWait } = session
  const chats = indexSeal && new PackChats({ client, vault, ...indexSeal, signal, onWait })
  const lookAtChat = (id: string) => chats?.enterAgain(id) ?? gates.enter(id)
  reportErased(session, await erasePacks({ ...session, lookAtChat }, { bucketId, packIds, lease }))
}

function reportErased({ report }: VaultSession, erased: readonly ErasedPackMessage[]): void {
  for (const { pack, outcome, reason, ...message } of erased) {
    report.packs.push({ ...reportedPack(pack, message), outcome, reason })
    if (outcome !== 'kept') continue
    const words = `Message ${message.messageId} could be neither deleted nor replaced: ${reason}`
    report.pending.push({ pack_id: pack.id, chat_id: message.chatId, reason: words })
  }
}
