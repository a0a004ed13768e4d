import { fileURLToPath } from 'node:url'
import { readSetting } from '@telegram-backup/engine/environment.ts'
import type { FirstBackupHooks, SetupAnswers } from '@telegram-backup/engine/operations/init.ts'
import type { Command } from 'commander'
import {
  type CommandContext,
  type CommonOptions,
  describeCommand,
  type RegisterCommand,
  usageError,
} from '#commands/command.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'
import { updateIndexes } from '#commands/refresh-index.ts'
import { collected } from '#commands/repeatable-option.ts'
import { describeEstimate, SendFollower } from '#commands/send-progress.ts'
import { canBeAsked } from '#commands/terminal-question.ts'
import { VerifyFollower } from '#commands/verify-progress.ts'

interface InitOptions extends CommonOptions {
  yes?: boolean
  keySaved?: boolean
  drillKey: boolean
  tokenFile?: string
  chat?: string
  postgres?: string[]
  directory?: string[]
  project?: string
  schedule?: string
  folder?: string
  service: boolean
}

/** `init`: from a token to a proven first backup with a schedule. */
export const registerInit: RegisterCommand = (program, run) => {
  withPlaces(
    describeCommand(program.command('init'), {
      description:
        'set this machine up: find the chat, make the keys, choose what is backed up, send a first backup, prove it, write the recovery card, add a schedule and the service. Files that exist are never overwritten; an interrupted set-up goes on where it ended',
      options: {
        '--yes': 'ask nothing: take the options given here, and defaults for the rest',
        '--token-file <file>':
          'the file that holds the bot token (default: TELEGRAM_BOT_TOKEN, else it is asked for)',
        '--chat <id>': 'the chat (default: the one in which somebody posts a message)',
        '--project <id>': 'the project of the backups (default: the name of this machine)',
        '--schedule <"M H D M W">':
          'when each source is backed up (default: once a night, at a time chosen by chance)',
        '--key-saved':
          'a copy of the recovery key is on another machine: if the key was made by an earlier run, its file is removed from this one',
        '--no-drill-key':
          'keep no key on this machine: scheduled proofs then read every byte, but cannot decrypt',
        '--folder <dir>':
          'write environment, telegram-backup.yaml and the keys here (default: the state folder)',
        '--no-service': 'neither install the systemd service nor write its unit',
      },
      examples: [
        'telegram-backup init',
        'telegram-backup init --yes --token-file token.txt --postgres postgresql:///shop --directory /etc',
        'telegram-backup init --key-saved                    # later: the recovery key leaves this machine',
      ],
    }),
  ).action((options: InitOptions) =>
    // The folder of the set-up decides which environment files count.
    run(context => setUp(context, options), options, { settings: false }),
  )
}

function withPlaces(command: Command): Command {
  return command
    .option(
      '--postgres <url>',
      'a PostgreSQL database to back up; its password, or PGPASSWORD, goes into the environment file (may be repeated)',
      collected,
    )
    .option('--directory <path>', 'a directory to back up (may be repeated)', collected)
}

async function setUp(context: CommandContext, options: InitOptions) {
  const isAsking = options.yes !== true && canBeAsked(context)
  if (options.yes !== true && !isAsking) {
    throw usageError(
      'init asks questions, but there is no terminal for them',
      'Give --yes, and the answers as options: see telegram-backup init --help.',
    )
  }
  const { init } = await import('@telegram-backup/engine/operations/init.ts')
  const { terminalQuestions } = await import('#commands/init-questions.ts')
  const { describeInit, initExitCode, shownInit } = await import('#commands/init-report.ts')
  const { host, output } = context
  const result = await init(
    {
      answers: answersOf(options),
      ask: isAsking ? terminalQuestions(context) : undefined,
      folder: options.folder,
      environment: host.env,
      environmentFile: options.envFile,
      // Without "--", Node would take --env-file for an option of its own.
      command: [process.execPath, '--', fileURLToPath(import.meta.resolve('#launcher'))],
    },
    await hooksOf(context),
  )
  output.answer(shownInit(result), () => describeInit(result))
  return initExitCode(result)
}

function answersOf(options: InitOptions): SetupAnswers {
  const { chat, project, schedule, postgres = [], directory = [], keySaved = false } = options
  return {
    ...{ token: tokenIn(options.tokenFile), chat, project, cron: schedule, isKeySaved: keySaved },
    places: [
      ...postgres.map(place => ({ setting: 'postgres', place })),
      ...directory.map(place => ({ setting: 'directory', place })),
    ],
    wantsDrillKey: options.drillKey,
    wantsService: options.service,
  }
}

function tokenIn(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  const token = readSetting({ TELEGRAM_BOT_TOKEN_FILE: file }, 'TELEGRAM_BOT_TOKEN')
  if (token !== undefined) return token
  throw usageError('--token-file names an empty file', 'Write the bot token into it, and nothing else.')
}

async function hooksOf(context: CommandContext): Promise<FirstBackupHooks> {
  const { output, note, signal } = context
  const { describeStage } = await import('#commands/init-report.ts')
  const line = output.progressLine()
  let sending: { source: string; follower: SendFollower } | undefined
  let reading: VerifyFollower | undefined
  const { end: _, ...fetching } = fetchProgress(line, () => reading?.which() ?? [])
  return {
    ...fetching,
    signal,
    note,
    onStage: report => {
      for (const text of describeStage(report)) note(text)
    },
    onWait: words => {
      if (words === undefined) line.end()
      else line.update(() => [{ text: words, rank: 0 }])
    },
    onEstimate: (estimate, pace, { source }) => {
      sending = { source, follower: new SendFollower(pace) }
      const words = estimate && describeEstimate(estimate, pace.messagesPerMinute)
      if (words !== undefined) note(`${source}: ${words}`)
    },
    onHookLine: ({ stage, text }) => note(`${stage}: ${text}`),
    onSend: progress => {
      if (sending === undefined) return
      const { source, follower } = sending
      follower.follow(progress)
      line.update(() => [{ text: source, rank: 4 }, ...follower.facts()])
    },
    onProof: (backups, { messagesPerMinute }) => {
      reading = new VerifyFollower({ backups, readData: true, messagesPerMinute })
    },
    onVerify: (progress, { index }) => {
      reading?.follow(progress, index)
      line.update(() => reading?.facts() ?? [])
    },
    onEnd: () => line.end(),
    updateIndexes: database => updateIndexes(context, database),
  }
}
