import type { Database } from '@telegram-backup/database'
import type { SendPlan, SentSource } from '@telegram-backup/engine/operations/backup.ts'
import { type OpenEngine, openEngine } from '@telegram-backup/engine/wiring.ts'
import type { ExitCode } from '@telegram-backup/errors'
import { callLog } from '#commands/call-log.ts'
import {
  type CommandContext,
  describeCommand,
  leave,
  type RegisterCommand,
  usageError,
} from '#commands/command.ts'
import { hookLines } from '#commands/hook-lines.ts'
import { planSend, type SendOptions, withSourceOptions } from '#commands/send-options.ts'
import { previewSend } from '#commands/send-preview.ts'
import { describeEstimate, SendFollower } from '#commands/send-progress.ts'
import { report, type SendRemarks } from '#commands/send-report.ts'
import { readResume } from '#commands/send-resume.ts'

/** `send`: one backup to the chat and into the catalog. */
export const registerSend: RegisterCommand = (program, run) => {
  const command = describeCommand(program.command('send'), {
    takesLocks: true,
    description:
      'make a backup and send it to the chat, encrypted and in parts; each part is checked, and the backup is recorded in the catalog',
    argument: ['[-]', '"-" backs up standard input; a pipe does not report whether its producer failed'],
    options: {
      '--project <id>': 'the project (required): letters, digits, ".", "_", "-"',
      '--type <type>': 'database, storage or logs (required)',
      '--filename <name>':
        'the file name of the backup, as "show" and the HTTP API give it (default: the name of the source). In the chat, files are named by project, type, time and id, with the ending of this name',
      '--caption <text>': 'your own text, at the top of each caption in the chat',
      '--chat <id>': 'send to this chat instead of TELEGRAM_CHAT_ID',
      '--expires <when>': 'when the backup may be erased: 12h, 30d or 8w from now, or a date (default: 30d)',
      '--resume <id>': 'continue an interrupted send of a file; if the file has changed, start again',
      '--dry-run':
        'only show what would be sent: files, size, what is left out, parts, time; reads no contents, sends and records nothing',
      '--limit-rate <rate>': 'send at most this many bytes a second: 500k, 2M',
    },
    examples: [
      'telegram-backup send --source shop                      # as telegram-backup.yaml says',
      'PGPASSWORD=… telegram-backup send --project shop --type database --postgres postgresql://backup@db/shop',
      'telegram-backup send --project shop --type storage --directory /srv/uploads --exclude ./cache',
      "telegram-backup send --project shop --type logs --directory /var/log --include '*.log*' --since 24h --expires 8w",
      'telegram-backup send --source uploads --dry-run         # what would be sent, and how long that takes',
      'telegram-backup send --project shop --type storage --file ./disk.img --limit-rate 2M',
      'telegram-backup send --resume 3f0c2c1e                  # continues an interrupted send of a file',
      'mysqldump shop | telegram-backup send --project shop --type database --filename shop.sql -',
    ],
  })
  withSourceOptions(command).action((stdin: string | undefined, options: SendOptions) =>
    run(async context => {
      if (options.dryRun === true) {
        if (options.resume === undefined)
          return await previewSend(context, await planSend(context, stdin, options))
        throw usageError('--dry-run and --resume cannot be combined', 'Leave out one of the two.')
      }
      const { failureBefore } = await import('@telegram-backup/engine/operations/backup.ts')
      const planning =
        options.resume === undefined
          ? planSend(context, stdin, options)
          : readResume(context, options.resume, options)
      const { isOfGroup } = await import('@telegram-backup/engine/operations/backup-group.ts')
      const sent = await planning
        .then(
          async (plan): Promise<ExitCode | Sent> =>
            isOfGroup(plan) ? await sendAll(context, plan) : await send(context, plan),
        )
        .catch((error: unknown): Sent => failureBefore(error))
      if (typeof sent === 'number') return sent
      const { policies, failedBefore, seconds, ...result } = sent
      return report(result, context.output, { policies, failedBefore, seconds })
    }, options),
  )
}

/** The result of a send, and the remarks that only people are shown. */
type Sent = SentSource & SendRemarks

/** Starts the source first, so that it works while the other modules are loaded. */
async function send(context: CommandContext, plan: SendPlan): Promise<Sent> {
  const { signal, output, note } = context
  const { sourceName } = plan
  const { backup, failureBefore } = await import('@telegram-backup/engine/operations/backup.ts')
  const progress = output.progressLine()
  const opening = open(context, plan)
  try {
    const startMs = performance.now()
    let follower: SendFollower | undefined
    const sent = await backup(opening, plan, {
      signal,
      origin: { sourceName },
      waits: true,
      note,
      onEstimate: (estimate, pace) => {
        output.step('the source is open')
        follower = new SendFollower(pace)
        const words = estimate && describeEstimate(estimate, pace.messagesPerMinute)
        if (words !== undefined) note(words)
      },
      onHookLine: hookLines(output),
      onProgress: state => {
        follower?.follow(state)
        progress.update(() => follower?.facts() ?? [])
      },
    })
    const seconds = (performance.now() - startMs) / 1000
    output.step('the backup is sent and recorded')
    return { ...sent, seconds, policies: await policiesOf(sent, (await opening).database) }
  } catch (error) {
    return failureBefore(error)
  } finally {
    progress.end()
    await opening.then(
      engine => leave(context, engine),
      () => {},
    )
  }
}

/** Sends every member of a source that consists of several, and reports them. */
async function sendAll(context: CommandContext, plan: SendPlan): Promise<ExitCode> {
  const { sendGroup } = await import('#commands/send-group.ts')
  const opening = open(context, plan)
  try {
    return await sendGroup(context, opening, plan)
  } finally {
    await opening.then(
      engine => leave(context, engine),
      () => {},
    )
  }
}

function open({ config, signal, note, output }: CommandContext, plan: SendPlan): Promise<OpenEngine> {
  const opening = import('@telegram-backup/engine/operations/backup.ts').then(async ({ warningsBefore }) => {
    for (const warning of await warningsBefore(plan, config)) note(`warning: ${warning}`)
    return await openEngine(config, {
      signal,
      note,
      uploadBytesPerSecond: plan.bytesPerSecond,
      ...callLog(output),
    })
  })
  // The backup reports what is wrong with the source.
  opening.catch(() => {})
  return opening
}

/** The remarks about a complete backup. An error here must not fail the backup. */
async function policiesOf({ databaseRecord }: SentSource, database: Database): Promise<string | undefined> {
  if (databaseRecord === undefined) return undefined
  const { readPolicyWords } = await import('@telegram-backup/engine/retention/describe-policies.ts')
  const words = await readPolicyWords(database).catch(() => undefined)
  return words?.(databaseRecord)
}
