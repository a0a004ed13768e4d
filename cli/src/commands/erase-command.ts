import type { BackupDetails } from '@telegram-backup/database'
import { countMissingFiles, missingWords } from '@telegram-backup/database/missing-files'
import type {
  Erased,
  ErasePreviewMessage,
  EraseRequest,
  ReportedMessage,
} from '@telegram-backup/engine/operations/erase.ts'
import {
  count,
  formatBytes,
  formatTable,
  formatTime,
  NONE,
} from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  BACKUP_ID,
  type BackupIdOptions,
  backupWords,
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  withCatalog,
  withEngine,
} from '#commands/command.ts'
import { confirm, tellBefore } from '#commands/confirmation.ts'
import { describeWork } from '#commands/progress-facts.ts'
import { runProgress, secondsSince } from '#commands/run-progress.ts'

interface EraseOptions extends BackupIdOptions {
  evenTheLast?: boolean
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

/** `erase ID`: erases the messages in the chat, then marks the backup as erased in the catalog. */
export const registerErase: RegisterCommand = (program, run) => {
  describeCommand(program.command('erase'), {
    takesLocks: true,
    description:
      'erase a backup: delete each of its messages; Telegram does not let a bot delete a message after 48 hours, so an older message is replaced by a few bytes. If a message is left, run the command again',
    argument: BACKUP_ID,
    options: {
      '--even-the-last': 'erase it even if it is the last good backup of its project and type',
      '--dry-run':
        'only show which messages would be deleted, and which replaced because they are older than 48 hours; changes nothing',
      '--yes': 'do not ask first; without a terminal the command never asks',
    },
    examples: [
      'telegram-backup erase 3f0c2c1e',
      'telegram-backup erase latest:shop --dry-run             # shows what would happen',
      'telegram-backup erase 3f0c2c1e --even-the-last --yes',
      'telegram-backup erase latest:shop                       # asks, after it said which one that is',
    ],
  }).action((id: string, options: EraseOptions) => run(context => runErase(context, id, options), options))
}

async function runErase(context: CommandContext, id: string, options: EraseOptions): Promise<ExitCode> {
  const { output, signal, note } = context
  const { erase } = await import('@telegram-backup/engine/operations/erase.ts')
  const request = { ...backupWords(id, options), evenTheLast: options.evenTheLast === true }
  if (options.dryRun === true) return await previewErasure(context, request)
  let startMs = 0
  const onFound = async (backup: BackupDetails): Promise<void> => {
    // Without a terminal, naming the backup is enough; the last good backup needs --even-the-last.
    const isAgreed = options.yes === true || !context.host.stdin.isTTY
    const facts = [formatBytes(backup.size), count(backup.parts.length, 'part'), missingWords(backup) ?? []]
    const words = `erasing ${backup.id.slice(0, 8)}: ${backup.project_id} ${backup.type} of ${formatTime(backup.created_at)}, ${facts.flat().join(', ')}`
    tellBefore(output, [words], { isAgreed })
    await confirm(context, { isAgreed })
    startMs = performance.now()
  }
  const line = output.progressLine()
  const erased = await withEngine(context, engine => {
    const onProgress = runProgress(line, engine.client)
    return erase(engine, request, { signal, note, onFound, onProgress })
  }).finally(() => line.end())
  const { backup, isErased, messages } = erased
  if (erased.wasErased) note('the backup was already erased')
  for (const left of erased.indexesLeft) note(`warning: the index of chat ${left.chat_id}: ${left.reason}`)
  const state = isErased ? 'erased' : 'erasing'
  const took = describeWork({ seconds: secondsSince(startMs), items: [messages.length, 'message'] })
  output.outcome(
    { success: isErased, id: backup.id, state, messages, missing_files: countMissingFiles(backup) },
    () => describeErasure({ ...erased, took: erased.wasErased ? undefined : took }),
    { isDone: isErased },
  )
  return isErased ? ExitCode.DONE : ExitCode.PARTIAL
}

async function previewErasure(context: CommandContext, request: EraseRequest): Promise<ExitCode> {
  const { output, note } = context
  const { previewErase } = await import('@telegram-backup/engine/operations/erase.ts')
  const { backup, wasErased, messages } = await withCatalog(context, database =>
    previewErase({ database }, request, { note }),
  )
  output.answer(
    { dry_run: true, id: backup.id, state: backup.state, messages, missing_files: countMissingFiles(backup) },
    () => (wasErased ? `Backup ${backup.id} is erased already.` : describePreview(backup, messages)),
  )
  return ExitCode.DONE
}

const PREVIEW_WORDS: Readonly<Record<ErasePreviewMessage['outcome'], string>> = {
  erased: 'would be deleted',
  tombstone: 'too old to delete: would be replaced by a few bytes',
}

function describePreview(backup: BackupDetails, messages: readonly ErasePreviewMessage[]): string {
  const rows = messages.map(({ sent_at, outcome, ...message }) => [
    ...placeCells(message),
    sent_at === null ? NONE : formatTime(sent_at),
    PREVIEW_WORDS[outcome],
  ])
  const deletable = messages.filter(({ outcome }) => outcome === 'erased').length
  const table = formatTable([['PART', 'CHAT', 'MESSAGE', 'SENT', 'OUTCOME'], ...rows])
  return [
    `Backup ${backup.id}: ${backup.project_id} ${backup.type} of ${formatTime(backup.created_at)}, ${formatBytes(backup.size)}`,
    ...(rows.length === 0 ? [] : [table]),
    `${count(messages.length, 'message')}: ${deletable} would be deleted, ${messages.length - deletable} replaced.`,
    'A dry run: nothing was changed.',
  ].join('\n')
}

function placeCells({ kind, part_no, chat_id, message_id }: ReportedMessage): string[] {
  return [kind === 'manifest' ? 'manifest' : String(part_no), chat_id, String(message_id)]
}

function describeErasure({
  backup: { id },
  isErased,
  messages,
  took,
}: Erased & { took: string | undefined }): string {
  const heading = ['PART', 'CHAT', 'MESSAGE', 'OUTCOME', 'REASON']
  const rows = messages.map(({ outcome, reason = '', ...message }) => [
    ...placeCells(message),
    outcome,
    reason,
  ])
  const table = rows.length === 0 ? [] : [formatTable([heading, ...rows])]
  const kept = messages.filter(({ outcome }) => outcome === 'kept').length
  const left =
    kept === 0
      ? 'The index of the chat could not be written'
      : `${count(kept, 'message')} could not be deleted or replaced`
  const end = isErased
    ? `Backup ${id} is erased${took === undefined ? '' : `: ${took}`}.`
    : `${left}; backup ${id} stays "erasing". Fix the cause, then run the command again.`
  return [...table, end].join('\n')
}
