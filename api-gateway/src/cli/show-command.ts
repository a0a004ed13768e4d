import type { BackupDetails } from '@telegram-backup/database'
import { findBackup, type RegisterCommand, withCatalog, withCommonOptions } from '#cli/command.ts'
import { ExitCode } from '#cli/exit-codes.ts'
import { formatBytes, formatTable, formatTime } from '#cli/human-units.ts'

/** `show ID`: one backup with its messages and history. */
export const registerShow: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('show'), [
    'telegram-backup show 3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11 --json',
  ])
    .description('show one backup: its facts, its messages in the chat, its history')
    .argument('<id>', 'the backup’s id, from "telegram-backup list", or its first eight characters')
    .action((id: string, options: { json?: boolean }) =>
      run(async context => {
        const backup = await withCatalog(context, database => findBackup(database, id))
        context.output.answer(backup, () => describeBackup(backup))
        return ExitCode.DONE
      }, options),
    )
}

function describeBackup(backup: BackupDetails): string {
  const facts: Array<[string, string]> = [
    ['id', backup.id],
    ['project', backup.project_id],
    ['type', backup.type],
    [
      'state',
      backup.damaged_at === null
        ? backup.state
        : `${backup.state}, damaged since ${formatTime(backup.damaged_at)}`,
    ],
    ['source', String(backup.source?.['filename'] ?? '-')],
    ['file', backup.filename ?? '-'],
    ['size', `${formatBytes(backup.size)} plain, ${formatBytes(backup.archive_size ?? 0)} in the chat`],
    ['encrypted', backup.encrypted === null ? 'unknown' : backup.encrypted ? 'yes' : 'no'],
    ['created', formatTime(backup.created_at)],
    ['expires', formatTime(backup.expires_at)],
    ['chat', backup.chat_id ?? '-'],
    ['sha-256', backup.plain_sha256 ?? '-'],
    ...(backup.error === null ? [] : ([['error', backup.error]] as Array<[string, string]>)),
  ]
  const parts = [
    ['PART', 'STATE', 'SIZE', 'MESSAGE', 'SHA-256'],
    ...backup.parts.map(part => [
      String(part.part_no),
      part.state,
      formatBytes(part.size),
      String(part.message_id ?? '-'),
      part.sha256.slice(0, 16),
    ]),
  ]
  const history = backup.history.map(entry => [formatTime(entry.at), entry.event])
  const manifest = backup.manifest === null ? 'none' : `message ${backup.manifest.message_id}`
  return [
    formatTable(facts),
    '',
    formatTable(parts),
    `manifest: ${manifest}`,
    '',
    formatTable([['WHEN', 'WHAT'], ...history]),
  ].join('\n')
}
