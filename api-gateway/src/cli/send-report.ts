import type { Backup } from '@telegram-backup/database'
import { ExitCode, exitCodeFor } from '#cli/exit-codes.ts'
import { count, formatBytes, formatTime } from '#cli/human-units.ts'
import type { Output } from '#cli/output.ts'
import type { IntegratedBackupResult } from '#lib/backups/integrated-result.ts'
import type { SkippedFile } from '#sources/directory/allowances.ts'

/** What became of a send: the integration's result, and of a directory what is missing or torn in it. */
export interface SendReport extends IntegratedBackupResult {
  skipped?: readonly SkippedFile[]
}

/** Of missing files, how many are named where a person reads. */
const MAX_SHOWN = 20

/** Says what became of a send, and returns the exit code for it. */
export function report(result: SendReport, output: Output): ExitCode {
  if (result.success || output.json) output.answer(result, () => describeResult(result))
  if (!result.success) return reportFailure(result, output)
  if (result.databaseRecord?.size === 0) output.note('warning: the source was empty, 0 bytes; is that right?')
  for (const warning of warningsOf(result)) output.note(`warning: ${warning}`)
  const { skipped = [] } = result
  if (skipped.length === 0) return ExitCode.DONE
  output.note(`${count(skipped.length, 'file')} missing or torn, as allowed:`)
  for (const { path, reason } of skipped.slice(0, MAX_SHOWN)) output.note(`  ${reason}  ${path}`)
  if (skipped.length > MAX_SHOWN) output.note(`  and ${skipped.length - MAX_SHOWN} more; --json lists all`)
  return ExitCode.PARTIAL
}

function reportFailure(result: SendReport, output: Output): ExitCode {
  output.reason(describeFailure(result), result.hint)
  if (result.details.telegramSuccess) {
    output.note('The backup itself is whole in the chat, and its messages are known to the catalog.')
  }
  return exitCodeFor(result.code)
}

function warningsOf({ telegramMetadata, details }: SendReport): string[] {
  const warnings = telegramMetadata?.source?.['warnings']
  const { indexUpToDate, indexError, replica } = details
  const isLeft = 'the next send or "telegram-backup reconcile" makes good for it'
  return [
    ...(Array.isArray(warnings) ? warnings.map(String) : []),
    ...(indexUpToDate === false
      ? [`the index in the chat is not up to date (${indexError}); ${isLeft}`]
      : []),
    ...(replica && !replica.isWhole
      ? [`not every message was copied to the second chat (${replica.error}); ${isLeft}`]
      : []),
    ...(replica?.indexUpToDate === false
      ? [`the index in the second chat is not up to date (${replica.error}); ${isLeft}`]
      : []),
  ]
}

/** Codes of what fails before the chat, in the source. */
const NOT_THE_CHAT: ReadonlySet<string> = new Set(['SOURCE', 'POSTGRES'])

/** What the user got wrong never reached either side, so neither is named. */
function describeFailure(result: SendReport): string {
  const { telegramError, databaseError } = result.details
  if (result.code === 'CANCELLED')
    return `Cancelled; what had been sent was taken back${leftovers(telegramError)}`
  const isOurs = exitCodeFor(result.code) === ExitCode.USAGE || NOT_THE_CHAT.has(result.code ?? '')
  return (isOurs ? (telegramError ?? databaseError) : result.error) ?? 'unknown'
}

/** Of `Cancelled; 2 message(s) may still be in the chat`, what follows the first word. */
function leftovers(telegramError: string | undefined): string {
  const [, ...rest] = (telegramError ?? '').split('; ')
  return rest.length === 0 ? '' : `, but ${rest.join('; ')}`
}

/** The command that brings a backup of that kind back. */
function wayBack({ id, source }: Backup): string {
  if (source?.['kind'] === 'postgres') return `restore ${id} --to URL`
  return source?.['kind'] === 'directory' ? `restore ${id} --to DIRECTORY` : `fetch ${id} --out FILE`
}

function describeResult(result: SendReport): string {
  const { databaseRecord: record, telegramMetadata: metadata } = result
  if (!record) return ''
  const inChat = `${formatBytes(record.archive_size ?? 0)} in ${count(record.part_count ?? 1, 'part')}`
  return [
    `Backup ${record.id} is complete.`,
    `  file     ${record.filename}`,
    `  size     ${formatBytes(record.size)} plain, ${inChat}, ${metadata?.encrypted ? 'encrypted' : 'NOT encrypted'}`,
    `  chat     ${record.chat_id}`,
    `  expires  ${formatTime(record.expires_at)}`,
    `Get it back with: telegram-backup ${wayBack(record)}`,
  ].join('\n')
}
