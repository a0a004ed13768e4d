import { endRecovery } from '@telegram-backup/database'
import { openFirstChat } from '#recover/open-chat.ts'
import { type ReadChat, readChat } from '#recover/read-chat.ts'
import { recordAbandonedRuns, recordRefused } from '#recover/record-captioned.ts'
import { recordBuckets } from '#recover/recorded-buckets.ts'
import type { RecoveryReport } from '#recover/recovery-report.ts'
import { type RecoverySetup, type RecoveryTools, recoveryTools } from '#recover/recovery-setup.ts'
import { nothingOfOurs, reportOf } from '#recover/report-chats.ts'
import { readSecondChat } from '#recover/second-chat.ts'
import { hasNothingOfOurs, judgeSigners, type TakenChat, takeChats } from '#recover/take-over.ts'
import { keepUnexplained } from '#recover/unexplained-messages.ts'

/**
 * Rebuilds the catalog from the chat and takes the chat over. Known backups stay as they are. After a kill,
 * the next run gives the same result. The stages are those of docs/protocol.md, "A recovery".
 *
 * Throws `NOT_FOUND` when no chat holds anything of ours, `WRONG_KEY` when no document opens, and the
 * client's errors.
 */
export async function recover(setup: RecoverySetup): Promise<RecoveryReport> {
  const tools = recoveryTools(setup)
  const opened = await openFirstChat(tools) // 1
  const first = await readChat(tools, opened) // 2
  if (first.failure !== undefined) throw first.failure
  const second = await readSecondChat(tools, first) // 3
  if (tools.documents.wrongKey !== undefined) throw tools.documents.wrongKey
  const secondRead = second?.failure === null && second.chat !== null ? [second.chat] : []
  const read: ReadChat[] = []
  for (const chat of [first, ...secondRead]) read.push(await recordRefused(tools, chat)) // 4
  await recordBuckets(tools, read)
  await tools.buckets.askForPacks(read.flatMap(({ buckets }) => buckets.map(({ reader }) => reader)))
  if (tools.documents.wrongKey !== undefined) throw tools.documents.wrongKey
  const judgement = judgeSigners(tools, read) // 5
  const { chats: taken, isTaken } = await takeChats(tools, read, judgement) // 6
  const ended = await explainRest(tools, { taken, isTaken, named: second?.named ?? new Set() }) // 7, 8
  // Until here, no other run may work with half a catalog.
  if (isTaken) await endRecovery(setup.database) // 9
  const [firstTaken, secondTaken] = ended
  if (ended.every(hasNothingOfOurs) || firstTaken === undefined) throw nothingOfOurs(firstTaken ?? first)
  return await reportOf(tools, judgement, { first: firstTaken, second, secondTaken })
}

/** Stages 7 and 8: messages that are not explained yet. Stage 8 only for chats that were taken over. */
async function explainRest(
  tools: RecoveryTools,
  of: { taken: readonly TakenChat[]; isTaken: boolean; named: ReadonlySet<string> },
): Promise<TakenChat[]> {
  const { taken, isTaken } = of
  let named: ReadonlySet<string> = new Set([...of.named, ...taken.flatMap(({ scan }) => [...scan.named])])
  const recorded: TakenChat[] = []
  for (const chat of taken) {
    const after = await recordAbandonedRuns(tools, chat, named)
    recorded.push(after.chat)
    named = after.named
  }
  if (!isTaken) return recorded
  const ended: TakenChat[] = []
  for (const chat of recorded) ended.push(await keepUnexplained(tools, chat, named))
  return ended
}
