import { shownIdOf } from '@telegram-backup/database/missing-files'
import type { ReportedReason, SessionReport } from '@telegram-backup/engine/operations/reconcile.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import { describeCommand, type RegisterCommand, withEngine } from '#commands/command.ts'
import { formatDuration } from '#commands/progress-facts.ts'
import { runProgress, secondsSince } from '#commands/run-progress.ts'

/** `reconcile`: brings chat and catalog into agreement after crashes and lost answers. */
export const registerReconcile: RegisterCommand = (program, run) => {
  describeCommand(program.command('reconcile'), {
    takesLocks: true,
    description:
      'bring the chat and the catalog back into agreement after a crash: find lost messages, finish or fail interrupted sends, continue erasing, update the index. Work of running processes is not touched',
    examples: ['telegram-backup reconcile', 'telegram-backup reconcile --json'],
  }).action((options: { json?: boolean }) =>
    run(async context => {
      const { reconcile } = await import('@telegram-backup/engine/operations/reconcile.ts')
      return await withEngine(context, async engine => {
        const { signal, note, output } = context
        const line = output.progressLine()
        const startMs = performance.now()
        const onProgress = runProgress(line, engine.client)
        const report = await reconcile(engine, { signal, note, onProgress }).finally(() => line.end())
        const took = formatDuration(secondsSince(startMs))
        output.outcome(report, () => `${describeReport(report)}\nIt took ${took}.`, {
          isDone: report.isDone,
        })
        return report.isDone ? ExitCode.DONE : ExitCode.PARTIAL
      })
    }, options),
  )
}

function describeReport(report: SessionReport): string {
  const lines = [
    ...report.adopted.map(of => `adopted   message ${of.message_id}: ${named(of)} of backup ${of.backup_id}`),
    ...report.finished.map(of => `finished  backup ${shownIdOf(of.backup_id, 'complete', of.missing)}`),
    ...report.failed.map(of => `failed    backup ${of.backup_id}: ${of.reason}`),
    ...report.erased.map(
      of => `${of.outcome.padEnd(9)} message ${of.message_id}: ${named(of)} of backup ${of.backup_id}`,
    ),
    ...report.erased_backups.map(of => `erased    backup ${of.backup_id}`),
    ...report.remnants.map(
      of =>
        `${of.outcome.padEnd(9)} message ${of.message_id} of chat ${of.chat_id}, which is no longer needed${of.reason === undefined ? '' : `: ${of.reason}`}`,
    ),
    ...report.restores.map(of => `failed    restore ${of.restore_id}: ${of.reason}`),
    ...report.copied.map(of => `copied    ${named(of)} of backup ${of.backup_id} to chat ${of.chat_id}`),
    ...report.mended.map(of => `repaired  ${named(of)} of backup ${of.backup_id} in chat ${of.chat_id}`),
    ...report.packs.map(packLine),
    ...report.evidence.map(of => `sent      record ${of.number} of evidence to chat ${of.chat_id}`),
    ...report.indexes.map(of => `index     of chat ${of.chat_id} is up to date`),
    ...report.indexes_left.map(of => `index     of chat ${of.chat_id}: ${of.reason}`),
    ...report.kept.map(of => `kept      ${about(of)}: ${of.reason}`),
    ...report.looked_for_again.map(of => `open      ${about(of)}: ${of.reason}`),
    ...report.pending.map(of => `PENDING   ${about(of)}: ${of.reason}${of.hint ? ` (${of.hint})` : ''}`),
  ]
  const end = report.isDone
    ? agreementWords(report)
    : `${count(report.pending.length, 'item')} could not be reconciled now; run the command again.`
  return [...lines, end].join('\n')
}

/**
 * After a lost answer, the server may still be at work for minutes: open messages are looked for again
 * later.
 */
function agreementWords({ looked_for_again: open }: SessionReport): string {
  if (open.length === 0) return 'The chat and the catalog agree.'
  return `Everything else agrees. Each send and each reconcile looks for the open messages again, until 15 minutes after they were sent.`
}

function packLine(of: SessionReport['packs'][number]): string {
  const { sequence, bucket_id, chat_id, message_id, outcome, reason } = of
  const place = message_id === null ? '' : `, message ${message_id} of chat ${chat_id}`
  const why = reason === undefined ? '' : `: ${reason}`
  const word = outcome === 'mended' ? 'repaired' : outcome
  return `${word.padEnd(9)} pack ${sequence} of bucket ${bucket_id}${place}${why}`
}

function named({ kind, part_no }: { kind: string; part_no: number }): string {
  return kind === 'manifest' ? 'the manifest' : `part ${part_no}`
}

function about({ backup_id, restore_id, pack_id, chat_id }: ReportedReason): string {
  return [
    ...(backup_id ? [`backup ${backup_id}`] : []),
    ...(restore_id ? [`restore ${restore_id}`] : []),
    ...(pack_id ? [`pack ${pack_id}`] : []),
    ...(chat_id ? [`chat ${chat_id}`] : []),
  ].join(', ')
}
