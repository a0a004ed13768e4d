import type { Backup } from '@telegram-backup/database'
import { stateWords } from '@telegram-backup/database/missing-files'
import { readDevices, readOutsideLinks } from '@telegram-backup/engine/backup/recorded-facts.ts'
import type { SentSource } from '@telegram-backup/engine/operations/backup.ts'
import { shownTarget } from '@telegram-backup/engine/restore/restore-target.ts'
import { count, formatBytes, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode, exitCodeFor, hideSecretsIn } from '@telegram-backup/errors'
import type { Output } from '#commands/output.ts'
import { describeWork } from '#commands/progress-facts.ts'

/** How many missing files are listed for people. */
const MAX_SHOWN = 20

/** Remarks about a send for people, in addition to its result. */
export interface SendRemarks {
  /** The policies that keep the backup, in words; undefined without any. */
  policies?: string | undefined
  /** The send failed before its first request to Telegram, so the error does not name Telegram. */
  failedBefore?: boolean | undefined
  /** How long it took; undefined after a failure before the first byte. */
  seconds?: number | undefined
}

/** Prints the result of a send; returns the exit code for it. */
export function report(sent: SentSource, output: Output, remarks: SendRemarks): ExitCode {
  const result = sent.success ? sent : shownFailure(sent, remarks)
  const { skipped = [], afterError } = result
  const isDone = result.success && skipped.length === 0 && afterError === undefined
  if (result.success || output.json) output.outcome(result, () => describeResult(result, remarks), { isDone })
  if (!result.success) return reportFailure(result, output)
  if (result.databaseRecord?.size === 0) output.note('warning: the source was empty, 0 bytes; is that right?')
  for (const warning of warningsOf(result)) output.note(`warning: ${warning}`)
  const links = readOutsideLinks(result.databaseRecord?.source)
  if (links !== undefined) output.note(`note: ${links.words}; a restore will ask for --links skip or keep`)
  const devices = readDevices(result.databaseRecord?.source)
  if (devices !== undefined)
    output.note(`note: it holds ${devices.words}; only root can restore that, with --allow devices`)
  if (afterError !== undefined) {
    output.reason(`The backup is complete, but: ${afterError.message}`, afterError.hint)
  }
  if (skipped.length === 0) return afterError === undefined ? ExitCode.DONE : ExitCode.PARTIAL
  output.insist(`${count(skipped.length, 'file')} missing or changed while read, as --allow permits:`)
  for (const { path, reason } of skipped.slice(0, MAX_SHOWN)) output.insist(`  ${reason}  ${path}`)
  if (skipped.length > MAX_SHOWN) output.insist(`  and ${skipped.length - MAX_SHOWN} more; --json lists all`)
  return ExitCode.PARTIAL
}

/** The library names the side that failed. If that was not Telegram, only the error itself is shown. */
export function shownFailure(sent: SentSource, { failedBefore = false }: SendRemarks): SentSource {
  const { telegramError, sourceFailed = false, refused = false } = sent.details
  const isOurs = failedBefore || sourceFailed || refused
  const error = isOurs ? (telegramError ?? sent.error) : sent.error
  return hideSecretsIn({
    ...sent,
    ...(error === undefined ? {} : { error }),
    details: hideSecretsIn(sent.details),
  })
}

function reportFailure(result: SentSource, output: Output): ExitCode {
  output.reason(describeFailure(result), result.hint)
  if (result.afterError !== undefined) output.insist(`warning: ${result.afterError.message}`)
  if (result.details.telegramSuccess) {
    output.insist('The backup itself is complete in the chat, and the catalog knows its messages.')
  }
  return exitCodeFor(result.code)
}

export function warningsOf({ telegramMetadata, details }: SentSource): string[] {
  const warnings = telegramMetadata?.source?.['warnings']
  const { indexUpToDate, indexError, replica } = details
  const isLeft = 'the next send or "telegram-backup reconcile" repairs this'
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

/** A mistake of the user reached neither side, so neither side is named. */
export function describeFailure(result: SentSource): string {
  const { telegramError, databaseError } = result.details
  if (result.code === 'CANCELLED')
    return `Cancelled; the messages already sent were deleted${leftovers(telegramError)}`
  const isOurs = exitCodeFor(result.code) === ExitCode.USAGE
  return (isOurs ? (telegramError ?? databaseError) : result.error) ?? 'unknown'
}

/** The rest of `Cancelled; 2 message(s) may still be in the chat`, after the first word. */
function leftovers(telegramError: string | undefined): string {
  const [, ...rest] = (telegramError ?? '').split('; ')
  return rest.length === 0 ? '' : `, but ${rest.join('; ')}`
}

/** The command that restores a backup of that kind. */
function wayBack({ id, source }: Backup): string {
  const target = shownTarget(source)
  return target === undefined ? `fetch ${id} --out FILE` : `restore ${id} --to ${target}`
}

function describeResult(result: SentSource, { policies, seconds }: SendRemarks): string {
  const { databaseRecord: record, telegramMetadata: metadata } = result
  if (!record) return ''
  const inChat = `${formatBytes(record.archive_size ?? 0)} in ${count(record.part_count ?? 1, 'part')}`
  return [
    `Backup ${record.id} is ${stateWords(record)}.`,
    `  file     ${record.filename}`,
    `  size     ${formatBytes(record.size)} plain, ${inChat}, ${metadata?.encrypted ? 'encrypted' : 'NOT encrypted'}`,
    `  chat     ${record.chat_id}`,
    ...(seconds === undefined
      ? []
      : [`  took     ${describeWork({ bytes: record.archive_size ?? 0, seconds })}`]),
    policies === undefined
      ? `  expires  ${formatTime(record.expires_at)}`
      : `  kept     by its policy: ${policies}`,
    `Get it back with: telegram-backup ${wayBack(record)}`,
  ].join('\n')
}
