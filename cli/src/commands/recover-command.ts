import type { Database } from '@telegram-backup/database'
import type { RecoveryReport } from '@telegram-backup/engine/operations/recover.ts'
import { count, formatSeconds } from '@telegram-backup/engine/units/human-units.ts'
import { ProgressMeter } from '@telegram-backup/engine/units/progress-meter.ts'
import { openTelegram } from '@telegram-backup/engine/wiring.ts'
import { describeError, ExitCode } from '@telegram-backup/errors'
import { callLog } from '#commands/call-log.ts'
import {
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  usageError,
  withCatalog,
} from '#commands/command.ts'
import { countFact, describeWork, shareFacts, timeFacts } from '#commands/progress-facts.ts'
import { secondsSince } from '#commands/run-progress.ts'

interface RecoverOptions {
  signer?: string[]
  wholeChat?: boolean
  json?: boolean
}

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}=?$/

/** `recover`: rebuilds the catalog from the chat, and takes over the chat. */
export const registerRecover: RegisterCommand = (program, run) => {
  describeCommand(program.command('recover'), {
    takesLocks: true,
    description:
      'rebuild the catalog from the chat, and take over the chat for this catalog; needs only the bot token, the chat and the key file. Entries already in the catalog are kept',
    options: {
      '--signer <fingerprint...>':
        'accept only data signed by this key; its fingerprint is on the recovery card',
      '--whole-chat':
        'if the index is lost, read every message of the chat, also old ones that probably people wrote',
    },
    examples: [
      'telegram-backup recover --signer SHA256:u0p1Ywo0l9PvJtNsC0m7xQ5zGUPnXU6mfZyUqk0T3kE=',
      'telegram-backup recover',
    ],
  }).action((options: RecoverOptions) =>
    run(async context => {
      const signers = (options.signer ?? []).map(readFingerprint)
      const { wholeChat = false } = options
      const startMs = performance.now()
      const { report, hasKeys } = await withCatalog(context, async database => ({
        report: await recoverInto(context, { database, signers, wholeChat }),
        hasKeys: await hasApiKeys(database),
      }))
      const { isAllRefused, isIncomplete } = await import('@telegram-backup/engine/operations/recover.ts')
      const { describeRecovery, recoveryAnswer } = await import('#commands/recover-report.ts')
      const exitCode = isAllRefused(report)
        ? ExitCode.INTEGRITY
        : isIncomplete(report)
          ? ExitCode.PARTIAL
          : ExitCode.DONE
      const items = [report.backups.length, 'backup'] as const
      const took = describeWork({ seconds: secondsSince(startMs), items })
      context.output.outcome(recoveryAnswer(report), () => `${describeRecovery(report)}\nRead ${took}.`, {
        isDone: exitCode === ExitCode.DONE,
      })
      if (!report.signerWasGiven && !report.signerIsOwn && report.signer !== null) {
        context.output.note(
          `warning: the signing key ${report.signer} was accepted without proof; compare it with your recovery card`,
        )
      }
      for (const line of await sourcesThatLack(context, report)) context.output.note(line)
      if (report.owner !== null && !hasKeys) {
        context.output.note(
          'API keys are not stored in the chat: the keys of the old machine do not work here. Create new ones: telegram-backup apikey create --name NAME --scope SCOPES. People who sign in to the page are not stored there either: telegram-backup user add --admin --name NAME',
        )
      }
      if (report.owner !== null && context.config.encryption === undefined) {
        const { ownRecipients } = await import('@telegram-backup/engine/age-keys.ts')
        const own = await ownRecipients(context.config)
        const next =
          own.length > 0
            ? `send and card need the public key of your key file: export BACKUP_AGE_RECIPIENTS=${own.join(',')}`
            : 'the backups in this chat are not encrypted. To go on without encryption, set BACKUP_ENCRYPTION=off. To encrypt, create a key with "telegram-backup keygen --out backup-key.txt" and set BACKUP_AGE_RECIPIENTS. Then run recover again.'
        // If something could not be decrypted, the report asks for the key: that comes first.
        if (own.length > 0 || !report.withoutKey) context.output.note(`Next: ${next}`)
      }
      return exitCode
    }, options),
  )
}

async function hasApiKeys(database: Database): Promise<boolean> {
  const { listApiKeys } = await import('@telegram-backup/database')
  return (await listApiKeys(database)).length > 0
}

async function recoverInto(
  { config, output, signal, note }: CommandContext,
  of: { database: Database; signers: readonly string[]; wholeChat: boolean },
): Promise<RecoveryReport> {
  const { recover } = await import('@telegram-backup/engine/operations/recover.ts')
  const { database, ...request } = of
  const client = await openTelegram(config, callLog(output))
  const line = output.progressLine()
  // Without the pace: only messages that exist count there, and nobody knows yet how many do.
  const meter = new ProgressMeter()
  let asked = 0
  try {
    return await recover({ config, database, client }, request, {
      signal,
      note,
      onPlan: ({ messages, what }) => {
        meter.start({ messages })
        asked = 0
        output.note(`Asking for up to ${count(messages, 'message')} ${what}${timeOf(messages, client)}.`)
      },
      onLook: () => {
        asked++
        meter.advance({ messages: asked })
        line.update(() => {
          const now = meter.read()
          const { text, rank } = countFact(asked, undefined, 'message')
          return [...shareFacts(now), { text: `${text} asked for`, rank }, ...timeFacts(now)]
        })
      },
    })
  } finally {
    line.end()
  }
}

/**
 * Sources of schedules that the configuration does not name: these schedules make no backups, and people must
 * know.
 */
async function sourcesThatLack({ config }: CommandContext, { plans }: RecoveryReport): Promise<string[]> {
  const wanted = new Set(plans?.schedules.filter(({ enabled }) => enabled).map(({ source }) => source))
  if (wanted.size === 0) return []
  const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
  try {
    const { sourceNames } = await readConfigFile(config)
    const lacking = [...wanted].filter(source => !sourceNames.includes(source))
    return lacking.map(
      source =>
        `warning: telegram-backup.yaml names no source ${JSON.stringify(source)}; its schedules make no backups here until you add the source to the file`,
    )
  } catch (error) {
    return [`warning: ${describeError(error).message}`]
  }
}

/** Only messages that must be read count against the pace of the chat. */
function timeOf(messages: number, { messagesPerMinute }: { messagesPerMinute: number }): string {
  if (messagesPerMinute === 0) return ''
  const seconds = (messages / messagesPerMinute) * 60
  return `; the bot must forward each message that it has to read: ${formatSeconds(seconds)} at most, at ${messagesPerMinute} messages a minute`
}

function readFingerprint(text: string): string {
  if (FINGERPRINT.test(text)) return text.endsWith('=') ? text : `${text}=`
  throw usageError(
    `${JSON.stringify(text.slice(0, 80))} is not a fingerprint`,
    'It looks like SHA256: and 44 characters; "telegram-backup card" prints it.',
  )
}
