import type { BackupDetails } from '@telegram-backup/database'
import { countMissingFiles, missingWords } from '@telegram-backup/database/missing-files'
import type { ErasedMessage } from '@telegram-backup/engine/operations/erase.ts'
import { count, formatBytes, formatTable, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  BACKUP_ID,
  type BackupIdOptions,
  backupWords,
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  withEngine,
} from '#commands/command.ts'
import { confirm } from '#commands/confirmation.ts'

interface EraseOptions extends BackupIdOptions {
  evenTheLast?: boolean
  yes?: boolean
  json?: boolean
}

/** `erase ID`: erases the messages in the chat, then marks the backup as erased in the catalog. */
export const registerErase: RegisterCommand = (program, run) => {
  describeCommand(program.command('erase'), {
    description:
      'erase a backup: delete each of its messages; Telegram does not let a bot delete a message after 48 hours, so an older message is replaced by a few bytes. If a message is left, run the command again',
    argument: BACKUP_ID,
    options: {
      '--even-the-last': 'erase it even if it is the last good backup of its project and type',
      '--yes': 'do not ask first; without a terminal the command never asks',
    },
    examples: [
      'telegram-backup erase 3f0c2c1e',
      'telegram-backup erase 3f0c2c1e --even-the-last --yes',
      'telegram-backup erase latest:shop                       # asks, after it said which one that is',
    ],
  }).action((id: string, options: EraseOptions) => run(context => runErase(context, id, options), options))
}

async function runErase(context: CommandContext, id: string, options: EraseOptions): Promise<ExitCode> {
  const { output, signal, note } = context
  const { erase } = await import('@telegram-backup/engine/operations/erase.ts')
  const request = { ...backupWords(id, options), evenTheLast: options.evenTheLast === true }
  const onFound = async (backup: BackupDetails): Promise<void> => {
    const facts = [formatBytes(backup.size), count(backup.parts.length, 'part'), missingWords(backup) ?? []]
    note(
      `erasing ${backup.id.slice(0, 8)}: ${backup.project_id} ${backup.type} of ${formatTime(backup.created_at)}, ${facts.flat().join(', ')}`,
    )
    // Without a terminal, naming the backup is enough; the last good backup needs --even-the-last.
    await confirm(context, { isAgreed: options.yes === true || !context.host.stdin.isTTY })
  }
  const erased = await withEngine(context, engine => erase(engine, request, { signal, note, onFound }))
  const { backup, isErased, messages } = erased
  if (erased.wasErased) note('the backup was already erased')
  for (const left of erased.indexesLeft) note(`warning: the index of chat ${left.chat_id}: ${left.reason}`)
  const state = isErased ? 'erased' : 'erasing'
  output.answer(
    { success: isErased, id: backup.id, state, messages, missing_files: countMissingFiles(backup) },
    () => describeErasure(backup.id, isErased, messages),
  )
  return isErased ? ExitCode.DONE : ExitCode.PARTIAL
}

function describeErasure(id: string, isErased: boolean, messages: readonly ErasedMessage[]): string {
  const heading = ['PART', 'CHAT', 'MESSAGE', 'OUTCOME', 'REASON']
  const rows = messages.map(({ kind, part_no, chat_id, message_id, outcome, reason = '' }) => [
    kind === 'manifest' ? 'manifest' : String(part_no),
    chat_id,
    String(message_id),
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
    ? `Backup ${id} is erased.`
    : `${left}; backup ${id} stays "erasing". Fix the cause, then run the command again.`
  return [...table, end].join('\n')
}
