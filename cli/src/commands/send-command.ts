import { type OpenedSource, openSource } from '@telegram-backup/connectors/open-source.ts'
import type { Database } from '@telegram-backup/database'
import type { SendPlan } from '@telegram-backup/engine/backup/send-plan.ts'
import type { SentSource } from '@telegram-backup/engine/backup/send-source.ts'
import { openBackupService, openTelegram } from '@telegram-backup/engine/wiring.ts'
import { describeError } from '@telegram-backup/errors'
import type { TelegramError } from 'telegram-deployment-bot'
import {
  type CommandContext,
  type RegisterCommand,
  withCatalog,
  withCommonOptions,
} from '#commands/command.ts'
import { planSend, type SendOptions, withSourceOptions } from '#commands/send-options.ts'
import { describeEstimate, describeProgress, startRate } from '#commands/send-progress.ts'
import { report, type SendRemarks } from '#commands/send-report.ts'
import { planResume } from '#commands/send-resume.ts'

/** `send`: one backup to the chat and into the catalog. */
export const registerSend: RegisterCommand = (program, run) => {
  const command = withCommonOptions(program.command('send'), [
    'telegram-backup send --source shop                      # as telegram-backup.yaml says',
    'PGPASSWORD=… telegram-backup send --project shop --type database --postgres postgresql://backup@db/shop',
    'telegram-backup send --project shop --type storage --directory /srv/uploads --exclude ./cache',
    "telegram-backup send --project shop --type logs --directory /var/log --include '*.log*' --since 24h --expires 8w",
    'telegram-backup send --project shop --type storage --file ./disk.img --limit-rate 2M',
    'telegram-backup send --resume 3f0c2c1e                  # goes on where a killed send of a file ended',
    'mysqldump shop | telegram-backup send --project shop --type database --filename shop.sql -',
  ])
    .description('send a backup to the chat, encrypted and in parts, prove each part, record it')
    .argument(
      '[-]',
      '"-" backs up what comes by standard input, up to its end: whether what made it failed cannot be seen',
    )
    .option('--project <id>', 'whose backup it is (required): letters, digits, ".", "_", "-"')
    .option('--type <type>', 'database, storage or logs (required)')
    .option(
      '--filename <name>',
      'the name of the plain bytes, for show and the HTTP API; default: that of the source. In the chat the name is project, type, time and id, and ends as this does',
    )
    .option('--caption <text>', 'your own words, above the message in the chat')
    .option('--chat <id>', 'another chat than TELEGRAM_CHAT_ID')
    .option('--expires <when>', '12h, 30d, 8w from now, or a date (default: 30d)')
    .option('--resume <id>', 'go on with a send of a file that was killed; anew if the file has changed')
    .option('--limit-rate <rate>', 'send at most so many bytes a second: 500k, 2M')
  withSourceOptions(command).action((stdin: string | undefined, options: SendOptions) =>
    run(async context => {
      const planning =
        options.resume === undefined
          ? planSend(context, stdin, options)
          : planResume(context, options.resume, options)
      const { policies, failedBefore, ...result } = await planning
        .then(plan => send(context, plan))
        .catch(failureBefore)
      return report(result, context.output, { policies, failedBefore })
    }, options),
  )
}

/** What became of a send, and what is told of it to people alone. */
type Sent = SentSource & SendRemarks

/** Starts the source first: it works while all else is still being loaded. */
async function send(context: CommandContext, plan: SendPlan): Promise<Sent> {
  const { config, signal, output } = context
  const opening = openSource(plan.source, { type: plan.type, waits: true, signal })
  // Whatever fails first is told; the source is closed below in any case.
  opening.catch(() => {})
  const progress = output.progressLine()
  try {
    const { sendSource } = await import('@telegram-backup/engine/backup/send-source.ts')
    const { bytesPerSecond, sourceName } = plan
    const client = await openTelegram(
      config,
      bytesPerSecond === undefined ? {} : { uploadBytesPerSecond: bytesPerSecond },
    )
    const service = await openBackupService(config, client)
    await warn(context, plan)
    return await withCatalog(context, async database => {
      const rate = startRate()
      const sent = await sendSource(plan, opening, {
        database,
        client,
        service,
        config,
        signal,
        origin: { sourceName },
        note: line => output.note(line),
        onOpened: source =>
          foretell(context, { source, bytesPerSecond, messagesPerMinute: client.messagesPerMinute }),
        onProgress: state => progress.update(() => describeProgress(state, rate(state.bytesOut))),
      })
      return { ...sent, policies: await policiesOf(sent, database) }
    })
  } catch (error) {
    return await failureBefore(error)
  } finally {
    progress.end()
    // Also of a source that nothing was read from.
    await opening.then(
      source => source.close(),
      () => {},
    )
  }
}

/** Of a backup that is complete; what is merely told of it fails nothing. */
async function policiesOf({ databaseRecord }: SentSource, database: Database): Promise<string | undefined> {
  if (databaseRecord === undefined) return undefined
  const { readPolicyWords } = await import('@telegram-backup/engine/retention/describe-policies.ts')
  const words = await readPolicyWords(database).catch(() => undefined)
  return words?.(databaseRecord)
}

async function warn({ config, output }: CommandContext, { source }: SendPlan): Promise<void> {
  const isClear = config.encryption === 'off'
  if (isClear) {
    output.note('warning: BACKUP_ENCRYPTION is off; the backup is readable to everyone in the chat')
  }
  if (source.kind !== 'directory' || config.identityFile === undefined) return
  const { holdsFile } = await import('@telegram-backup/connectors/directory/pack/directory-checks.ts')
  if (!(await holdsFile(source.path, config.identityFile))) return
  output.note(
    isClear
      ? 'warning: the private key lies in the directory, and goes into the chat in clear'
      : 'warning: the private key lies in the directory; the copy in the backup opens nothing, so keep another elsewhere',
  )
}

/** Says how long it will take, where the pace of the chat or a bound makes it long. */
async function foretell(
  { config, output }: CommandContext,
  of: { source: OpenedSource; bytesPerSecond: number | undefined; messagesPerMinute: number },
): Promise<void> {
  const { estimateSource } = await import('@telegram-backup/engine/backup/send-time.ts')
  const estimate = estimateSource(of.source, { ...of, partSizeBytes: config.partSizeBytes })
  const words = estimate && describeEstimate(estimate, of.messagesPerMinute)
  if (words !== undefined) output.note(words)
}

/** What failed before the integration was asked: the catalog that cannot be opened, what the user gave, or a look at the chat. */
async function failureBefore(error: unknown): Promise<Sent> {
  const { databaseFailure, telegramFailure } = await import(
    '@telegram-backup/vault/send/integrated-result.ts'
  )
  const { CatalogError } = await import('@telegram-backup/database')
  if (error instanceof CatalogError) return databaseFailure(error)
  const failure = telegramFailure({ success: false, error: describeError(error).message, cause: error })
  return { ...failure, failedBefore: !isOfChat(error) }
}

/** A setting that cannot be is no failure of the chat; a token or a chat that Telegram itself has refused is one. */
function isOfChat(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'TelegramError') return false
  const { code, errorCode } = error as TelegramError
  return code !== 'CONFIGURATION' || errorCode !== undefined
}
