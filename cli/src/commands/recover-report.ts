import { withWords } from '@telegram-backup/database/missing-files'
import type { RecoveredBackup, RecoveryReport } from '@telegram-backup/engine/operations/recover.ts'
import { arePlansLost, isIncomplete } from '@telegram-backup/engine/operations/recover.ts'
import { count, formatBytes, formatTable, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { bucketLines } from '#commands/recovered-buckets.ts'

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
    evidence: report.evidence,
    notes: [...report.notes, ...(report.plans?.notes ?? [])],
    signer: report.signer,
    signer_was_given: report.signerWasGiven,
    signer_is_own: report.signerIsOwn,
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
    schedules: report.plans?.schedules ?? [],
    retention: report.plans?.retention ?? [],
    backups: report.backups.map(({ createdAt, isDamaged, ...backup }) => ({
      ...backup,
      damaged: isDamaged,
      created_at: createdAt,
    })),
    refused: report.refused.map(({ messageId, backupId, reason }) => ({
      message_id: messageId,
      backup_id: backupId,
      reason,
    })),
    buckets: report.buckets.map(({ hasCheckpoint, lostKeys, ...bucket }) => ({
      ...bucket,
      checkpoint: hasCheckpoint,
      lost_keys: lostKeys,
    })),
    refused_packs: report.refusedPacks.map(({ packId, bucketId, chatId, messageId, reason }) => ({
      pack_id: packId,
      bucket_id: bucketId,
      chat_id: chatId,
      message_id: messageId,
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
    `The second chat (${chat}) could not be read: ${failure}. Run recover again before anything is copied to it; ` +
    'to go on without it, unset TELEGRAM_REPLICA_CHAT_ID.'
  return [
    ...(report ? ['', 'The second chat:', linesOf(report)] : []),
    ...(failure === null ? [] : ['', why]),
  ]
}

function linesOf(report: RecoveryReport): string {
  const { index, owner, backups } = report
  return [
    `Chat “${report.chatTitle}” (${report.chatId}), bot @${report.botUsername}`,
    index
      ? `Index: message ${index.messageId}, written ${formatTime(new Date(index.drawnAt))}, found by ${index.foundBy === 'pin' ? 'its pin' : 'the captions of other messages'}`
      : 'Index: no usable index was found; the messages themselves were read',
    ...report.notes,
    ...(report.signer === null ? [] : [`Signed by ${report.signer}${wordsOfSigner(report)}`]),
    '',
    ...(backups.length === 0 ? [] : [tableOf(backups)]),
    countsOf(backups),
    ...(report.evidence === 0 ? [] : [`${count(report.evidence, 'record')} of evidence of drills`]),
    ...backups.flatMap(damageOf),
    ...report.refused.map(
      ({ messageId, backupId, reason }) =>
        `refused: ${backupId}: the manifest (message ${messageId}) ${reason}`,
    ),
    ...bucketLines(report),
    ...plansOf(report),
    ...endOf(report, owner),
  ].join('\n')
}

function damageOf({ id, isDamaged, findings }: RecoveredBackup): string[] {
  if (isDamaged && findings.length === 0)
    return [`damaged: ${id}: an earlier check found it damaged; see "telegram-backup show ${id}"`]
  return findings.map(finding => `damaged: ${id}: ${finding}`)
}

/** Recovered schedules are switched on. People must know of one that cannot run before they start `serve`. */
function plansOf(report: RecoveryReport): string[] {
  const { plans } = report
  if (plans === null) return []
  const { schedules, retention, notes } = plans
  return [
    ...schedules.map(
      ({ id, source, cron, timezone, enabled, outcome }) =>
        `schedule ${id.slice(0, 8)}: ${source}, "${cron}" ${timezone}, ${enabled ? 'on' : 'off'} (${outcome})`,
    ),
    ...retention.map(
      ({ project, type, source, outcome }) =>
        `retention of ${[project, type, source].filter(Boolean).join(', ')} (${outcome})`,
    ),
    ...notes,
    ...(arePlansLost(report)
      ? ['Schedules, retention and pins are only in the index, and none was found.']
      : []),
    ...(schedules.some(({ enabled }) => enabled)
      ? [
          'The schedules that are on run while "telegram-backup serve" runs. List and change them with "telegram-backup schedule".',
        ]
      : []),
  ]
}

const OUTCOMES = {
  added: 'new',
  merged: 'completed',
  bettered: 'updated',
  known: 'known',
} satisfies Record<RecoveredBackup['outcome'], string>

/** `8 backups, 2 of them new to the catalog, 6 updated`. */
function countsOf(backups: readonly RecoveredBackup[]): string {
  const of = (outcome: RecoveredBackup['outcome']): number =>
    backups.filter(backup => backup.outcome === outcome).length
  const known = (['merged', 'bettered'] as const)
    .filter(outcome => of(outcome) > 0)
    .map(outcome => `${of(outcome)} ${OUTCOMES[outcome]}`)
  return [`${count(backups.length, 'backup')}, ${of('added')} of them new to the catalog`, ...known].join(
    ', ',
  )
}

function wordsOfSigner({ signerIsOwn, signerIsSuccessor, signerWasGiven }: RecoveryReport): string {
  if (signerIsOwn) return ', the key of this machine'
  if (signerIsSuccessor) return ', which the key given with --signer has named as its successor'
  return signerWasGiven ? ', the key given with --signer' : ''
}

function tableOf(backups: readonly RecoveredBackup[]): string {
  const heading = ['ID', 'PROJECT', 'TYPE', 'STATE', 'SIZE', 'PARTS', 'CREATED', 'CATALOG']
  const rows = backups.map(backup => [
    backup.id,
    backup.project,
    backup.type,
    [withWords(backup.state, backup.missing), ...(backup.isDamaged ? ['damaged'] : [])].join(', '),
    backup.size === null ? 'unknown' : formatBytes(backup.size),
    String(backup.parts),
    formatTime(new Date(backup.createdAt)),
    OUTCOMES[backup.outcome],
  ])
  return formatTable([heading, ...rows])
}

function endOf(report: RecoveryReport, owner: RecoveryReport['owner']): string[] {
  if (report.withoutKey) {
    return [
      'Without the key, nothing could be decrypted: plain sizes, hashes, expiry, sources and history are missing. The chat',
      'still belongs to the old catalog. Set BACKUP_AGE_IDENTITY_FILE and run recover again.',
    ]
  }
  if (report.indexFailure !== null) {
    return [`The chat does not have the new index yet: ${report.indexFailure}. Run recover again.`]
  }
  if (report.signer === null && report.signerWasGiven && report.otherSigners.length > 0) {
    const [signer] = report.otherSigners
    const { length } = report.refused
    return [
      `No backup in the chat is signed by a key given with --signer: ${count(length, 'manifest')} ${length === 1 ? 'is' : 'are'} refused, signed by ${report.otherSigners.join(', ')}.`,
      `If that key is yours, name both (--signer OLD --signer ${signer}). If it is not your key, the backups are not yours.`,
    ]
  }
  if (owner === null) return []
  return [
    `The chat belongs to catalog ${owner.catalogId}, generation ${owner.generation}: the catalog of this machine. Machines that used it before are now refused.`,
    'This machine signs with a key of its own: print a new recovery card with "telegram-backup card".',
  ]
}
