import { setTimeout as sleep } from 'node:timers/promises'
import {
  endUndelete,
  type FoundObject,
  planUndelete,
  settleUndelete,
  type UndeletePlan,
  versionsById,
} from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { reconcilePacks } from '#objects/reconcile/reconcile-packs.ts'
import { reconcileOwnPacks } from '#objects/tend/reconcile-own-packs.ts'
import { UndeleteRecords, type UndeleteWork } from '#objects/tend/undelete-records.ts'
import type { UpkeepTools } from '#objects/tend/upkeep.ts'
import { refreshIndexes } from '#session/refresh-indexes.ts'
import { cancelled } from '#session/session.ts'

/** Objects of one look into the catalog. */
const FOUND_AT_ONCE = 500
/** A pack of a living process is proven within seconds; the lease of a dead one ends within 45 s. */
const WAIT_MS = 1_000
const MOST_WAITS = 60
const RECONCILED_EVERY = 15

/**
 * U2 to U6: takes a bucket back to the moment that `beginUndelete` has recorded. To be called under the lease
 * of the bucket; may be repeated after a failure or a crash at any step. Nothing is uploaded: records of put
 * and delete go into packs, a few thousand in each. Objects come back first, in the order of their keys, and
 * others go last, in the reverse order. Throws `CONFLICT` when another undelete has begun meanwhile, `BUSY`
 * while a pack of another process may still come, `INVALID`, and what `ObjectStore.put` throws.
 */
export async function carryOutUndelete(tools: UpkeepTools, work: UndeleteWork): Promise<void> {
  const { database } = tools
  const of = { bucketId: work.bucket.id, at: work.at }
  await drawIndexes(tools) // U2
  for (let waits = 0; ; ) {
    const plan = await planUndelete(database, of)
    if (plan.restore.length + plan.remove.length > 0)
      await sendRecords(tools, { ...work, plan }) // U3
    else if (await settleUndelete(database, of))
      break // U4
    else await waitForOthers(tools, { ...work, waits: waits++ })
  }
  const chatId = await drawIndexes(tools) // U5
  if (await endUndelete(database, { ...of, chatId })) return // U6
  throw new BackupError(
    `The bucket ${work.bucket.name} is as it was at that moment, but the index of the chat still says that it is being taken back`,
    { code: 'UNREACHABLE', hint: 'It is closed until the index can be written.' },
  )
}

/**
 * Brings the indexes up to date. The first chat's has to be, since a recovery begins with it; that of the
 * second chat is tried, and is otherwise drawn before the next copy goes there. Returns the first chat's id.
 */
async function drawIndexes(tools: UpkeepTools): Promise<string> {
  // Makes the index, if there is none.
  const { chatId } = await tools.chats.enterAgain(tools.chatId)
  const session = await tools.openSession()
  const [failure] = await refreshIndexes(session, [chatId])
  if (failure !== undefined) throw new BackupError(failure.reason, { code: failure.code ?? 'UNREACHABLE' })
  const { replicaChatId } = session
  if (replicaChatId === undefined) return chatId
  for (const { reason } of await refreshIndexes(session, [replicaChatId]))
    tools.log(`The index of the second chat was not drawn: ${reason}`)
  return chatId
}

async function sendRecords(
  { database, packs }: UpkeepTools,
  { plan, ...work }: UndeleteWork & { plan: UndeletePlan },
): Promise<void> {
  const records = new UndeleteRecords(packs, work)
  try {
    for (let from = 0; from < plan.restore.length; from += FOUND_AT_ONCE) {
      const ids = plan.restore.slice(from, from + FOUND_AT_ONCE).map(({ id }) => id)
      const found = new Map((await versionsById(database, ids)).map(version => [version.object.id, version]))
      for (const id of ids) await records.restore(bytesKept(found.get(id)))
    }
    for (const { id, key } of plan.remove.toReversed()) await records.remove(id, key)
    await records.finish()
  } catch (error) {
    records.giveUp(error)
    throw error
  }
}

function bytesKept(found: FoundObject | undefined): FoundObject {
  if (found !== undefined) return found
  throw new BackupError('A version of an object went for good meanwhile', { code: 'CONFLICT' })
}

/** Packs that were under way when the undelete began are proven, or found, or given up. */
async function waitForOthers(
  tools: UpkeepTools,
  { bucket, waits, signal }: UndeleteWork & { waits: number },
): Promise<void> {
  if (waits === MOST_WAITS) {
    throw new BackupError(
      `The bucket ${bucket.name} stays closed: the message of another process may still come into the chat`,
      {
        code: 'BUSY',
        hint: hint`It is looked for during 15 minutes. ${run('serve')} goes on by itself; without it, give the same command again.`,
      },
    )
  }
  if (waits % RECONCILED_EVERY === 0) {
    const session = await tools.openSession()
    await reconcileOwnPacks(session, tools)
    await reconcilePacks(session)
  }
  await sleep(WAIT_MS, undefined, { signal }).catch(() => {
    throw cancelled()
  })
}
