import { BackupError, hint, run } from '@telegram-backup/errors'
import type { ReadChat } from '#recover/read-chat.ts'
import { backupsOf, refusedOf } from '#recover/record-backup.ts'
import type { RecoveryReport } from '#recover/recovery-report.ts'
import type { RecoveryTools } from '#recover/recovery-setup.ts'
import type { SecondChat } from '#recover/second-chat.ts'
import type { Judgement, TakenChat } from '#recover/take-over.ts'

/** The report of all stages. */
export async function reportOf(
  tools: RecoveryTools,
  judgement: Judgement,
  of: { first: TakenChat; second: SecondChat | undefined; secondTaken: TakenChat | undefined },
): Promise<RecoveryReport> {
  const { first, second, secondTaken } = of
  const { buckets, documents } = tools
  const ended = endedReport(tools, judgement, first)
  const report = {
    ...ended,
    withoutKey: ended.withoutKey || (buckets.isLocked && !documents.hasKey),
    buckets: await buckets.report(),
    refusedPacks: buckets.refused,
  }
  if (second === undefined) return report
  const { name, chat, failure } = second
  const read = chat && readReport(tools, chat)
  const whole = secondTaken ? endedReport(tools, judgement, secondTaken) : read
  return { ...report, secondChat: { chat: name, report: whole, failure } }
}

function endedReport(tools: RecoveryTools, judgement: Judgement, chat: TakenChat): RecoveryReport {
  const { signer, signerIsOwn, signerIsSuccessor, otherSigners } = judgement
  const { owner, hasIndex, plans, indexFailure, scan, reader } = chat
  return {
    ...readReport(tools, chat),
    ...{ signer, signerIsOwn, signerIsSuccessor, otherSigners, owner, hasIndex, plans, indexFailure },
    unread: scan.unread,
    lookedAt: reader.lookedAt,
  }
}

/** The report of a chat that was only read: the fields of a takeover are empty. */
function readReport({ documents }: RecoveryTools, chat: ReadChat): RecoveryReport {
  const { access, search, recorded, evidence, notes, withoutKey } = chat
  const { index, message, foundBy } = search
  return {
    chatId: access.chatId,
    chatTitle: access.chatTitle,
    botUsername: access.botUsername,
    index:
      index && message && foundBy
        ? { messageId: message.messageId, edition: index.edition, drawnAt: index.drawnAt, foundBy }
        : null,
    notes: [...notes],
    signer: null,
    signerWasGiven: documents.signers.areGiven,
    signerIsOwn: false,
    signerIsSuccessor: false,
    otherSigners: [],
    withoutKey,
    backups: backupsOf(recorded),
    refused: refusedOf(recorded),
    // A record may be there twice, when somebody copied its message.
    evidence: new Set(evidence.flatMap(one => ('id' in one && one.outcome !== 'conflict' ? [one.id] : [])))
      .size,
    buckets: [],
    refusedPacks: [],
    lookedAt: 0,
    owner: null,
    unread: 0,
    hasIndex: false,
    plans: null,
    indexFailure: null,
    secondChat: null,
  }
}

/** No chat holds anything of this program. */
export function nothingOfOurs({ access, notes, scan }: ReadChat): BackupError {
  const text = `The chat “${access.chatTitle}” holds nothing of this program. ${notes.join(' ')}`.trim()
  return new BackupError(text, {
    code: 'NOT_FOUND',
    hint:
      scan.unread > 0
        ? hint`${scan.unread} messages that this bot did not send were not read: run "${run('recover', { 'whole-chat': true })}".`
        : 'Check TELEGRAM_CHAT_ID; in a group, a bot sees only messages that were sent while it was a member.',
  })
}
