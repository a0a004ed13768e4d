import type { Readable } from 'node:stream'
import type { BackupType, CallWait, SendProgress } from 'telegram-deployment-bot'
import { type CommandContext, type RegisterCommand, withCatalog, withCommonOptions } from '#cli/command.ts'
import { ExitCode, exitCodeFor } from '#cli/exit-codes.ts'
import { count, formatBytes, formatSeconds, formatTime, parseExpiry } from '#cli/human-units.ts'
import { ProgressLine, progressBar } from '#cli/progress-line.ts'
import { BackupError, describeError } from '#lib/backups/backup-error.ts'
import type { IntegratedBackupResult } from '#lib/backups/integrated-result.ts'
import { openBackupService } from '#wiring.ts'

interface SendOptions {
  project?: string
  type?: string
  file?: string
  filename?: string
  caption?: string
  chat?: string
  expires?: string
  json?: boolean
}

/** `send`: one backup to the chat and into the catalog. */
export const registerSend: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('send'), [
    'telegram-backup send --project shop --type storage --file ./uploads.tar',
    'pg_dump -f shop.sql shop && telegram-backup send --project shop --type database --file shop.sql',
    'telegram-backup send --project shop --type logs --file app.log --expires 8w --caption "before the upgrade"',
    'tar c uploads | telegram-backup send --project shop --type storage --filename uploads.tar -',
  ])
    .description('send a backup to the chat, encrypted and in parts, prove each part, record it')
    .argument(
      '[-]',
      '"-" backs up what comes by standard input, up to its end: whether what made it failed cannot be seen',
    )
    .option('--project <id>', 'whose backup it is (required): letters, digits, ".", "_", "-"')
    .option('--type <type>', 'database, storage or logs (required)')
    .option('--file <path>', 'the file to back up')
    .option('--filename <name>', 'the name of the plain bytes; default: that of the file')
    .option('--caption <text>', 'your own words, above the message in the chat')
    .option('--chat <id>', 'another chat than TELEGRAM_CHAT_ID')
    .option('--expires <when>', '12h, 30d, 8w from now, or a date (default: 30d)')
    .action((stdin: string | undefined, options: SendOptions) =>
      run(async context => {
        const result = await sendAndRecord(context, stdin, options).catch(failedBefore)
        if (result.success || context.output.json) context.output.answer(result, () => describeResult(result))
        if (result.success) {
          if (result.databaseRecord?.size === 0)
            context.output.note('warning: the source was empty, 0 bytes; is that right?')
          return ExitCode.DONE
        }
        context.output.reason(describeFailure(result), result.hint)
        if (result.details.telegramSuccess) {
          context.output.note(
            'The backup itself is whole in the chat, and its messages are known to the catalog.',
          )
        }
        return exitCodeFor(result.code)
      }, options),
    )
}

async function sendAndRecord(
  context: CommandContext,
  stdin: string | undefined,
  options: SendOptions,
): Promise<IntegratedBackupResult> {
  const { project, type } = options
  if (project === undefined || type === undefined) {
    throw new BackupError('Name the project and the type', {
      code: 'USAGE',
      hint: 'Give --project ID and --type database, storage or logs.',
    })
  }
  const file = chooseSource(stdin, options.file)
  const expiresAt = options.expires === undefined ? undefined : parseExpiry(options.expires)
  const { BackupTelegramIntegration } = await import('#lib/backups/backup-telegram.integration.ts')
  const service = await openBackupService(context.config)
  if (context.config.encryption === 'off') {
    context.output.note('warning: BACKUP_ENCRYPTION is off; the backup is readable to everyone in the chat')
  }
  const progress = new ProgressLine(context.output.stderr)
  const rate = startRate()
  return await withCatalog(context, database =>
    new BackupTelegramIntegration(service, { database }).sendAndRecord({
      projectId: project,
      type: type as BackupType,
      file,
      ...(expiresAt ? { expires_at: expiresAt } : {}),
      ...(options.filename === undefined ? {} : { filename: options.filename }),
      ...(options.caption === undefined ? {} : { caption: options.caption }),
      ...(options.chat === undefined ? {} : { chatId: options.chat }),
      signal: context.signal,
      onProgress: state => progress.update(() => describeProgress(state, rate(state.bytesOut))),
    }),
  ).finally(() => progress.end())
}

/** What failed before the integration was asked: the catalog that cannot be opened, or what the user gave. */
async function failedBefore(error: unknown): Promise<IntegratedBackupResult> {
  const { databaseFailure, telegramFailure } = await import('#lib/backups/integrated-result.ts')
  const { CatalogError } = await import('@telegram-backup/database')
  if (error instanceof CatalogError) return databaseFailure(error)
  return telegramFailure({ success: false, error: describeError(error).message, cause: error })
}

function chooseSource(stdin: string | undefined, file: string | undefined): string | Readable {
  if (stdin !== undefined && stdin !== '-') {
    throw new BackupError(`Unknown argument "${stdin}"`, {
      code: 'USAGE',
      hint: 'Name the file with --file.',
    })
  }
  if ((stdin === undefined) === (file === undefined)) {
    throw new BackupError('Name exactly one source', {
      code: 'USAGE',
      hint: 'Give --file PATH, or - for standard input.',
    })
  }
  return file ?? process.stdin
}

/** What the user got wrong never reached either side, so neither is named. */
function describeFailure(result: IntegratedBackupResult): string {
  const { telegramError, databaseError } = result.details
  if (result.code === 'CANCELLED')
    return `Cancelled; what had been sent was taken back${leftovers(telegramError)}`
  const isOurs = exitCodeFor(result.code) === ExitCode.USAGE
  return (isOurs ? (telegramError ?? databaseError) : result.error) ?? 'unknown'
}

/** Of `Cancelled; 2 message(s) may still be in the chat`, what follows the first word. */
function leftovers(telegramError: string | undefined): string {
  const [, ...rest] = (telegramError ?? '').split('; ')
  return rest.length === 0 ? '' : `, but ${rest.join('; ')}`
}

/** Bytes per second since the first byte went out. */
function startRate(): (bytes: number) => number {
  let startMs: number | undefined
  return bytes => {
    if (bytes === 0) return 0
    startMs ??= performance.now()
    const seconds = (performance.now() - startMs) / 1000
    return seconds > 0.5 ? bytes / seconds : 0
  }
}

function describeProgress(state: SendProgress, bytesPerSecond: number): string {
  const { plainBytesOut, plainBytesRead, plainBytesTotal, bytesOut, partsSent } = state
  const facts = [
    ...(plainBytesTotal
      ? [progressBar(plainBytesOut / plainBytesTotal)]
      : [`${formatBytes(plainBytesRead)} read`]),
    `${formatBytes(bytesOut)} sent`,
    `${count(partsSent, 'part')} proven`,
    ...(bytesPerSecond > 0 ? [`${formatBytes(bytesPerSecond)}/s`] : []),
    ...timeLeft(state, bytesPerSecond),
  ]
  return facts.join(', ') + describeWait(state.wait)
}

/** The rest of the source, at the rate so far and packed as the part before it was. */
function timeLeft(
  { plainBytesOut, plainBytesTotal, bytesOut }: SendProgress,
  bytesPerSecond: number,
): string[] {
  if (!plainBytesTotal || plainBytesOut === 0 || bytesPerSecond === 0) return []
  const seconds = ((plainBytesTotal - plainBytesOut) * (bytesOut / plainBytesOut)) / bytesPerSecond
  return [`${formatSeconds(seconds)} left`]
}

const WAIT_WORDS: Readonly<Record<CallWait['reason'], string>> = {
  flood: 'Telegram asks to wait',
  pace: 'keeping to TELEGRAM_MESSAGES_PER_MINUTE, waiting',
  retry: 'no connection, trying again in',
}

function describeWait(wait: CallWait | undefined): string {
  return wait === undefined ? '' : ` (${WAIT_WORDS[wait.reason]} ${formatSeconds(wait.seconds)})`
}

function describeResult(result: IntegratedBackupResult): string {
  const { databaseRecord: record, telegramMetadata: metadata } = result
  if (!record) return ''
  const inChat = `${formatBytes(record.archive_size ?? 0)} in ${count(record.part_count ?? 1, 'part')}`
  return [
    `Backup ${record.id} is complete.`,
    `  file     ${record.filename}`,
    `  size     ${formatBytes(record.size)} plain, ${inChat}, ${metadata?.encrypted ? 'encrypted' : 'NOT encrypted'}`,
    `  chat     ${record.chat_id}`,
    `  expires  ${formatTime(record.expires_at)}`,
    `Get it back with: telegram-backup fetch ${record.id} --out FILE`,
  ].join('\n')
}
