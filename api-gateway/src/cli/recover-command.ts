import { type CommandContext, type RegisterCommand, withCatalog, withCommonOptions } from '#cli/command.ts'
import { ExitCode } from '#cli/exit-codes.ts'
import { count, formatSeconds } from '#cli/human-units.ts'
import { ProgressLine } from '#cli/progress-line.ts'
import { describeRecovery, recoveryAnswer } from '#cli/recover-report.ts'
import { BackupError } from '#lib/backups/backup-error.ts'
import type { RecoveryReport } from '#recovery/recovery-report.ts'
import { openTelegram } from '#wiring.ts'

interface RecoverOptions {
  signer?: string[]
  wholeChat?: boolean
  json?: boolean
}

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}=?$/

/** `recover`: the catalog back from the chat, and the chat taken over. */
export const registerRecover: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('recover'), [
    'telegram-backup recover --signer SHA256:u0p1Ywo0l9PvJtNsC0m7xQ5zGUPnXU6mfZyUqk0T3kE=',
    'telegram-backup recover',
  ])
    .description(
      'rebuild the catalog from the chat and take the chat over; needs the bot, the chat and the key, nothing else. What the catalog knows already stays as it is',
    )
    .option(
      '--signer <fingerprint...>',
      'believe only what is signed by this key; the recovery card and "telegram-backup show" name it',
    )
    .option(
      '--whole-chat',
      'where the index is lost, read every message, also those far below all of ours that people most likely wrote',
    )
    .action((options: RecoverOptions) =>
      run(async context => {
        const signers = (options.signer ?? []).map(readFingerprint)
        const { wholeChat = false } = options
        const report = await withCatalog(context, database =>
          recoverInto(context, { database, signers, wholeChat }),
        )
        const { isIncomplete } = await import('#recovery/recovery-report.ts')
        context.output.answer(recoveryAnswer(report), () => describeRecovery(report))
        if (!report.signerWasGiven && report.signer !== null) {
          context.output.note(
            `warning: the signature of ${report.signer} was believed unseen; compare it with your recovery card`,
          )
        }
        return isIncomplete(report) ? ExitCode.PARTIAL : ExitCode.DONE
      }, options),
    )
}

async function recoverInto(
  { config, output, signal }: CommandContext,
  of: {
    database: Parameters<Parameters<typeof withCatalog>[1]>[0]
    signers: readonly string[]
    wholeChat: boolean
  },
): Promise<RecoveryReport> {
  const { loadOrCreateSigningKey, readIdentityFile } = await import('@telegram-backup/archive')
  const { recover } = await import('#recovery/recover.ts')
  if (config.chatId === undefined) {
    throw new BackupError('No chat is configured', { code: 'CONFIGURATION', hint: 'Set TELEGRAM_CHAT_ID.' })
  }
  if (config.identityFile === undefined) {
    output.note('No key file is configured (BACKUP_AGE_IDENTITY_FILE): only what captions tell can be read.')
  }
  const client = await openTelegram(config)
  const line = new ProgressLine(output.stderr)
  let asked = 0
  try {
    return await recover({
      client,
      ...of,
      chat: config.chatId,
      replicaChat: config.replicaChatId,
      identities: config.identityFile === undefined ? [] : await readIdentityFile(config.identityFile),
      encryption: config.encryption,
      signingKey: () => loadOrCreateSigningKey(config.signingKeyFile),
      signal,
      onPlan: ({ messages, what }) =>
        output.note(`Asking for up to ${count(messages, 'message')} ${what}${timeOf(messages, client)}.`),
      onLook: () => {
        asked++
        line.update(() => `${count(asked, 'message')} asked for`)
      },
    })
  } finally {
    line.end()
  }
}

/** Only messages that have to be read cost a message of the chat's pace. */
function timeOf(messages: number, { messagesPerMinute }: { messagesPerMinute: number }): string {
  if (messagesPerMinute === 0) return ''
  const seconds = (messages / messagesPerMinute) * 60
  return `; those that have to be read take a forward each, ${formatSeconds(seconds)} at most at ${messagesPerMinute} a minute`
}

function readFingerprint(text: string): string {
  if (FINGERPRINT.test(text)) return text.endsWith('=') ? text : `${text}=`
  throw new BackupError(`${JSON.stringify(text.slice(0, 80))} is no fingerprint`, {
    code: 'USAGE',
    hint: 'It looks like SHA256: and 44 characters; "telegram-backup card" prints it.',
  })
}
