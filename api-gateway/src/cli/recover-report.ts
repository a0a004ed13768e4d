import { count, formatBytes, formatTable, formatTime } from '#cli/human-units.ts'
import type { RecoveredBackup, RecoveryReport } from '#recovery/recovery-report.ts'
import { isIncomplete } from '#recovery/recovery-report.ts'

/** The report as `recover --json` prints it. */
export function recoveryAnswer(report: RecoveryReport): Record<string, unknown> {
  const { index, owner, secondChat } = report
  return {
    success: !isIncomplete(report),
    chat: { id: report.chatId, title: report.chatTitle },
    bot: report.botUsername,
    index: index && {
      message_id: index.messageId,
      edition: index.edition,
      drawn_at: index.drawnAt,
      found_by: index.foundBy,
    },
    notes: report.notes,
    signer: report.signer,
    signer_was_given: report.signerWasGiven,
    without_key: report.withoutKey,
    catalog: owner && { id: owner.catalogId, generation: owner.generation },
    index_failure: report.indexFailure,
    messages_read: report.lookedAt,
    messages_unread: report.unread,
    second_chat: secondChat && {
      configured: secondChat.chat,
      failure: secondChat.failure,
      report: secondChat.report && recoveryAnswer(secondChat.report),
    },
    backups: report.backups.map(({ createdAt, ...backup }) => ({ ...backup, created_at: createdAt })),
    refused: report.refused.map(({ messageId, backupId, reason }) => ({
      message_id: messageId,
      backup_id: backupId,
      reason,
    })),
  }
}

/** The report for people. */
export function describeRecovery(report: RecoveryReport): string {
  return [linesOf(report), ...secondLines(report.secondChat)].join('\n')
}

function secondLines(second: RecoveryReport['secondChat']): string[] {
  if (second === null) return []
  const { chat, report, failure } = second
  const why =
    `The second chat (${chat}) could not be read: ${failure}. Run recover again before anything is copied there; ` +
    'to go on without it, unset TELEGRAM_REPLICA_CHAT_ID.'
  return [
    ...(report ? ['', 'The second chat:', linesOf(report)] : []),
    ...(failure === null ? [] : ['', why]),
  ]
}

function linesOf(report: RecoveryReport): string {
  const { index, owner, backups } = report
  const added = backups.filter(({ outcome }) => outcome !== 'known').length
  return [
    `Chat “${report.chatTitle}” (${report.chatId}), bot @${report.botUsername}`,
    index
      ? `Index: message ${index.messageId}, drawn ${formatTime(new Date(index.drawnAt))}, found by its ${index.foundBy === 'pin' ? 'pin' : 'mention in captions'}`
      : 'Index: none that can be used; the messages themselves were read',
    ...report.notes,
    ...(report.signer === null
      ? []
      : [`Signed by ${report.signer}${report.signerWasGiven ? ', as you said' : ''}`]),
    '',
    ...(backups.length === 0 ? [] : [tableOf(backups)]),
    `${count(backups.length, 'backup')}, ${added} of them new to the catalog`,
    ...backups.flatMap(({ id, findings }) => findings.map(finding => `damaged: ${id}: ${finding}`)),
    ...report.refused.map(
      ({ messageId, backupId, reason }) =>
        `refused: ${backupId}: the manifest (message ${messageId}) ${reason}`,
    ),
    ...endOf(report, owner),
  ].join('\n')
}

function tableOf(backups: readonly RecoveredBackup[]): string {
  const heading = ['ID', 'PROJECT', 'TYPE', 'STATE', 'SIZE', 'PARTS', 'CREATED', 'CATALOG']
  const rows = backups.map(backup => [
    backup.id,
    backup.project,
    backup.type,
    backup.findings.length > 0 ? `${backup.state}, damaged` : backup.state,
    backup.size === null ? 'unknown' : formatBytes(backup.size),
    String(backup.parts),
    formatTime(new Date(backup.createdAt)),
    backup.outcome,
  ])
  return formatTable([heading, ...rows])
}

function endOf(report: RecoveryReport, owner: RecoveryReport['owner']): string[] {
  if (report.withoutKey) {
    return [
      'Without the key nothing could be opened: plain sizes, hashes, expiry, sources and history are missing, and the chat',
      'still belongs to the catalog that it had. Set BACKUP_AGE_IDENTITY_FILE and run recover again.',
    ]
  }
  if (report.indexFailure !== null) {
    return [`The chat does not have the new index yet: ${report.indexFailure}. Run recover again.`]
  }
  if (owner === null) return []
  return [
    `The chat belongs to catalog ${owner.catalogId}, generation ${owner.generation}: this one. Older machines are refused there.`,
    'This machine signs with a key of its own: print a new recovery card with "telegram-backup card".',
  ]
}
