import { deadPacks, packsAwaitingCheckpoint, purgeObjects } from '@telegram-backup/database'
import { erasePacks } from '#objects/messages/erase-packs.ts'
import { drawCheckpoint } from '#objects/tend/draw-checkpoint.ts'
import type { UpkeepTools } from '#objects/tend/upkeep.ts'
import type { TendedBucket } from '#objects/tended-bucket.ts'

/** Versions of one transaction. */
const PURGED_AT_ONCE = 1_000
/** Packs of one look; the rest is for the next round. */
const ERASED_AT_ONCE = 50

/** D3: removes deleted versions for good whose time to be brought back has passed. */
export async function purge(tools: UpkeepTools, { work }: TendedBucket): Promise<void> {
  if (!work.hasPurgeable) return
  const of = { bucketId: work.bucket.id, limit: PURGED_AT_ONCE }
  while ((await purgeObjects(tools.database, of)) === PURGED_AT_ONCE) tools.signal.throwIfAborted()
}

/**
 * G1: erases packs that nothing needs any more, as long as nobody waits for the pace of the chat. Packs that
 * only wait for a checkpoint get one when the bucket is quiet.
 */
export async function collectGarbage(tools: UpkeepTools, tended: TendedBucket): Promise<void> {
  const { database, chats, chatId, signal, log } = tools
  const { work, lease } = tended
  const { id: bucketId, name } = work.bucket
  if (work.bucket.undeleting_to !== null) return
  const lookAtChat = (id: string) => chats.enterAgain(id)
  for (const pack of await deadPacks(database, { bucketId, limit: ERASED_AT_ONCE })) {
    if (signal.aborted || !(await isIdle(tools))) return
    // Whoever has lost the chat begins nothing more.
    await lookAtChat(chatId)
    const erased = await erasePacks({ ...tools, lookAtChat }, { bucketId, lease, packIds: [pack.id] })
    for (const { outcome, reason, messageId } of erased) {
      if (reason !== undefined) log(`Message ${messageId} of bucket ${name} is ${outcome}: ${reason}`)
    }
  }
  if (isQuiet(tools, tended) && (await packsAwaitingCheckpoint(database, bucketId)) > 0) {
    await drawCheckpoint(tools, { bucket: work.bucket, lease })
  }
}

/** A checkpoint whose index is not drawn yet would be followed by another one for nothing. */
function isQuiet({ times }: UpkeepTools, { work }: TendedBucket): boolean {
  const { changedAt, packsSinceCheckpoint, isCheckpointUnindexed, bucket } = work
  if (changedAt === null || packsSinceCheckpoint === 0 || isCheckpointUnindexed || bucket.removed_at !== null)
    return false
  return Date.now() - changedAt.getTime() >= times.collectAfterMs
}

/** Whether a message could go at once, and nobody waits for that. */
export async function isIdle({ client, chats, chatId }: UpkeepTools): Promise<boolean> {
  return client.isIdle((await chats.enter(chatId)).chatId)
}
