import type { SendPlan } from '@telegram-backup/engine/operations/backup.ts'
import type { BackupPreview } from '@telegram-backup/engine/operations/preview-backup.ts'
import { count, formatBytes, formatSeconds } from '@telegram-backup/engine/units/human-units.ts'
import { openBackupService, openTelegram } from '@telegram-backup/engine/wiring.ts'
import { ExitCode } from '@telegram-backup/errors'
import type { CommandContext } from '#commands/command.ts'

/** How many files that cannot be read are listed for people. */
const MAX_SHOWN = 20

/** `send --dry-run`: shows what would be sent. */
export async function previewSend(context: CommandContext, plan: SendPlan): Promise<ExitCode> {
  const { config, signal, output, note } = context
  const { previewBackup } = await import('@telegram-backup/engine/operations/preview-backup.ts')
  const client = await openTelegram(config)
  const service = await openBackupService(config, client)
  const preview = await previewBackup({ config, client, service }, plan, signal)
  for (const warning of preview.warnings) note(`warning: ${warning}`)
  output.answer(answerOf(plan, preview), () => describePreview(plan, preview))
  return (preview.source.skipped ?? []).length === 0 ? ExitCode.DONE : ExitCode.PARTIAL
}

function answerOf(plan: SendPlan, preview: BackupPreview): object {
  const { filename, bytes = null, isExact, counts, leftOut, database, skipped = [] } = preview.source
  const { estimate } = preview
  return {
    dry_run: true,
    project_id: plan.project,
    type: plan.type,
    source: plan.sourceName ?? null,
    kind: plan.source.kind,
    chat: preview.chat,
    replica_chat: preview.replicaChat ?? null,
    encrypted: preview.isEncrypted,
    filename,
    bytes,
    bytes_are_exact: isExact,
    ...(counts && { files: counts.files, directories: counts.directories, file_bytes: counts.bytes }),
    ...(leftOut && { left_out: leftOut }),
    ...(database && { database_size: database.sizeBytes, tables: database.tables ?? null }),
    skipped,
    messages_at_most: estimate?.messages ?? null,
    seconds_at_most: estimate === undefined ? null : Math.ceil(estimate.seconds),
    messages_per_minute: preview.messagesPerMinute,
    warnings: preview.warnings,
  }
}

function describePreview(
  plan: SendPlan,
  { source, chat, replicaChat, isEncrypted, ...rest }: BackupPreview,
): string {
  const { counts, leftOut, database, skipped = [] } = source
  const second = replicaChat === undefined ? '' : `, copied to ${replicaChat}`
  return [
    `Would send ${plan.project} ${plan.type}, ${plan.sourceName === undefined ? `a ${KIND_WORDS[plan.source.kind] ?? plan.source.kind}` : `the source ${plan.sourceName}`}`,
    `  name     ${source.filename}`,
    `  size     ${sizeWords(source)}`,
    ...(counts ? [`  holds    ${thingsIn(counts)}`] : []),
    ...(leftOut && leftOut.files + leftOut.directories > 0
      ? [`  without  ${thingsIn(leftOut)}, left out`]
      : []),
    ...(database ? [`  database ${databaseWords(database)}`] : []),
    ...skipped.slice(0, MAX_SHOWN).map(({ path, reason }) => `  ${reason}  ${path}`),
    ...(skipped.length > MAX_SHOWN ? [`  and ${skipped.length - MAX_SHOWN} more; --json lists all`] : []),
    `  chat     ${chat}${second}, ${isEncrypted ? 'encrypted' : 'NOT encrypted'}`,
    ...timeWords(rest),
    'A dry run: nothing was sent or recorded. "telegram-backup doctor" checks the chat and the catalog.',
  ].join('\n')
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL database',
  'postgres-cluster': 'PostgreSQL cluster',
}

function sizeWords({ bytes, isExact }: BackupPreview['source']): string {
  if (bytes === undefined) return 'unknown'
  return isExact
    ? `${formatBytes(bytes)} before compression`
    : `about ${formatBytes(bytes)} before compression`
}

function thingsIn({
  files,
  directories,
  bytes,
}: {
  files: number
  directories: number
  bytes: number
}): string {
  const folders = `${directories} ${directories === 1 ? 'directory' : 'directories'}`
  return `${count(files, 'file')} and ${folders}, ${formatBytes(bytes)}`
}

function databaseWords({ sizeBytes, tables }: NonNullable<BackupPreview['source']['database']>): string {
  const size = `${formatBytes(sizeBytes)} on the server, with indexes`
  return tables === undefined ? size : `${size}; the rows of ${count(tables, 'table')} are dumped`
}

function timeWords({
  estimate,
  messagesPerMinute,
}: Pick<BackupPreview, 'estimate' | 'messagesPerMinute'>): string[] {
  if (estimate === undefined) return []
  const { messages, seconds } = estimate
  const pace = messagesPerMinute === 0 ? 'without a pace' : `at ${messagesPerMinute} messages a minute`
  const least = seconds < 1 ? '' : `${formatSeconds(Math.ceil(seconds))} ${pace}, plus `
  return [
    `  parts    ${messages - 1} at most, and the manifest; fewer if the data compresses well`,
    `  takes    ${least}the time to read and upload the data`,
  ]
}
