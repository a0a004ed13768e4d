import { describeError } from '@telegram-backup/errors'
import { postEvidence } from '#evidence/post-evidence.ts'
import { reconcilePacks } from '#objects/reconcile/reconcile-packs.ts'
import { repairBuckets } from '#objects/reconcile/repair-buckets.ts'
import { reconcileAbandonedRuns } from '#reconcile/abandoned-runs.ts'
import { removeLeftoverMessages } from '#reconcile/leftover-messages.ts'
import { repairChats } from '#reconcile/repair-chats.ts'
import { reconcileUnansweredCalls } from '#reconcile/unanswered-calls.ts'
import { refreshIndexes } from '#session/refresh-indexes.ts'
import type { SessionReport } from '#session/report.ts'
import { endsEverything, type VaultSession } from '#session/session.ts'

/** An unrenewed lease expires after 45 seconds. */
const WAIT_FOR_LEASES_MS = 60_000

/**
 * Finishes or removes what crashes and lost answers left behind. Each stage enters a chat only if it is this
 * catalog's (R0). The report names what could not be done; the next run tries again. Throws only when the
 * catalog fails or the signal fires.
 */
export async function reconcile(session: VaultSession): Promise<SessionReport> {
  await reconcileAbandonedRuns(session, { waitMs: WAIT_FOR_LEASES_MS }) // R1 to R6
  await reconcileUnansweredCalls(session) // R2, the calls of no backup
  await reconcilePacks(session) // R9
  await repairEachOther(session) // R7
  await repairBuckets(session) // R10
  await postMissingEvidence(session) // V2 to V5
  const chats = await indexedChats(session)
  await removeLeftoverMessages(session, chats) // R2, what earlier runs could not remove
  await refreshIndexes(session, chats) // R8
  return session.report
}

async function postMissingEvidence(session: VaultSession): Promise<void> {
  const { posted, left } = await postEvidence(session)
  session.report.evidence.push(...posted)
  session.report.pending.push(...left)
}

async function repairEachOther(session: VaultSession): Promise<void> {
  const { chatId, replicaChatId, gates, report } = session
  if (chatId === undefined || replicaChatId === undefined) return
  try {
    const [main, replica] = [await gates.enter(chatId), await gates.enter(replicaChatId)]
    await repairChats(session, { chatId: main.chatId, replicaChatId: replica.chatId })
  } catch (error) {
    if (endsEverything(session, error)) throw error
    const { message, code } = describeError(error)
    const reason = `The two chats cannot be compared: ${message}`
    report.pending.push({ chat_id: replicaChatId, code, reason })
  }
}

/** The configured chats, and all others that an earlier stage has entered. */
async function indexedChats({ chatId, replicaChatId, gates, report }: VaultSession): Promise<Set<string>> {
  for (const configured of [chatId, replicaChatId]) {
    if (configured === undefined) continue
    await gates.enter(configured).catch((error: unknown) => {
      const { message: reason, code, hint } = describeError(error)
      report.pending.push({ chat_id: configured, code, reason, hint })
    })
  }
  return new Set(await gates.entered())
}
