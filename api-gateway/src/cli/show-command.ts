import type { BackupDetails, MessageRow } from '@telegram-backup/database'
import { findBackup, type RegisterCommand, withCatalog, withCommonOptions } from '#cli/command.ts'
import { ExitCode } from '#cli/exit-codes.ts'
import { formatBytes, formatTable, formatTime } from '#cli/human-units.ts'
import { describeMessages } from '#cli/show-messages.ts'

/** `show ID`: one backup with its messages and history. */
export const registerShow: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('show'), [
    'telegram-backup show 3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11 --json',
  ])
    .description('show one backup: its facts, its messages in the chat, its history')
    .argument('<id>', 'the backup’s id, from "telegram-backup list", or its first eight characters')
    .action((id: string, options: { json?: boolean }) =>
      run(async context => {
        const { listMessages } = await import('@telegram-backup/database')
        const { backup, messages } = await withCatalog(context, async database => {
          const backup = await findBackup(database, id)
          return { backup, messages: await listMessages(database, backup.id) }
        })
        context.output.answer(backup, () => describeBackup(backup, messages, new Date()))
        return ExitCode.DONE
      }, options),
    )
}

function describeBackup(backup: BackupDetails, messages: readonly MessageRow[], now: Date): string {
  const facts: Array<[string, string]> = [
    ['id', backup.id],
    ['project', backup.project_id],
    ['type', backup.type],
    ['state', backup.state],
    ...damageOf(backup),
    ['source', String(backup.source?.['filename'] ?? '-')],
    ['file', backup.filename ?? '-'],
    ['size', `${formatBytes(backup.size)} plain, ${formatBytes(backup.archive_size ?? 0)} in the chat`],
    ['encrypted', backup.encrypted === null ? 'unknown' : backup.encrypted ? 'yes' : 'no'],
    ['created', formatTime(backup.created_at)],
    ['expires', formatTime(backup.expires_at) + (backup.expires_at <= now ? ', which is past' : '')],
    ['chat', backup.chat_id ?? '-'],
    ['sha-256', backup.plain_sha256 ?? '-'],
    ...(backup.error === null ? [] : ([['error', backup.error]] as Array<[string, string]>)),
  ]
  const history = backup.history.map(entry => [formatTime(entry.at), entry.event])
  return [
    formatTable(facts),
    '',
    ...describeMessages(messages, backup.chat_id),
    '',
    formatTable([['WHEN', 'WHAT'], ...history]),
  ].join('\n')
}

/** When it was found damaged, and by what. */
function damageOf({ damaged_at, history }: BackupDetails): Array<[string, string]> {
  if (damaged_at === null) return []
  const words = history.findLast(({ event }) => event === 'damaged')?.details['error']
  return [['damaged', `since ${formatTime(damaged_at)}${typeof words === 'string' ? `: ${words}` : ''}`]]
}
