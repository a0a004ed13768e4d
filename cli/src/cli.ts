import { type FilledEnvironment, fillEnvironment } from '@telegram-backup/engine/config/environment-files.ts'
import { type Config, readConfig } from '@telegram-backup/engine/environment.ts'
import { programVersion } from '@telegram-backup/engine/program-version.ts'
import { parseSpanMs } from '@telegram-backup/engine/units/quantities.ts'
import { showUtc } from '@telegram-backup/engine/units/shown-zone.ts'
import { ExitCode, exitCodeOf } from '@telegram-backup/errors'
import { Command, CommanderError, Help } from 'commander'
import {
  type CommandAction,
  type CommandContext,
  type CommonOptions,
  type RunAction,
  usageError,
} from '#commands/command.ts'
import { registerWordCompletion } from '#commands/completion-command.ts'
import { Output, printable, withoutPasswords } from '#commands/output.ts'
import { COMMAND_NAMES, registerCommands } from '#commands/overview.ts'
import type { Host, TextSink } from '#host.ts'
import { type StopSignals, stopOnSignals } from '#stop-signals.ts'

/** It describes all commands. */
const MANUAL = 'man'
const AFTER_OVERVIEW = `
"telegram-backup COMMAND --help" explains a command, and has examples;
"telegram-backup --version" prints the version.
Try "telegram-backup demo" first. It needs no bot and no database.`
/** What a shell asks; the words to complete follow it. */
const WORD_COMPLETION = '__complete'

/**
 * The command line. Resolves to the exit code, or to the code of the signal that interrupted the work. Only
 * this file prints failures and listens to signals.
 */
export async function main(args: readonly string[], host: Host): Promise<number> {
  const stop = stopOnSignals(host)
  endWithTheReader(host)
  let exitCode: ExitCode = ExitCode.DONE
  const run: RunAction = async (action, options, needs) => {
    showUtc(options.utc === true)
    const output = outputOf(host, options)
    stop.printTo(output)
    const { envFile: named, retryLock } = options
    const checked: CommandAction = async context => {
      if (!options.quiet || !options.verbose) return await action(context)
      throw usageError('--quiet and --verbose cannot be combined', 'Leave out one of the two.')
    }
    exitCode = await perform(checked, { host, output, named, retryLock, needs, ...stop })
  }
  const program = createProgram(run, host, args)
  try {
    await program.parseAsync([...args], { from: 'user' })
    // Work that finished in spite of the signal is done, and a signal is the normal end of serve.
    return exitCode === ExitCode.DONE ? exitCode : (stop.exitCode() ?? exitCode)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return ExitCode.DONE
    // Commander has already printed the message to stderr.
    if (args.includes('--json')) {
      const words = withoutPasswords(error.message.replace(/^error: /, ''))
      outputOf(host, { json: true }).answer({ success: false, error: words, code: 'USAGE' }, () => '')
    }
    return ExitCode.USAGE
  } finally {
    stop.end()
  }
}

/**
 * The commands; `run` runs an action. Help goes to `stdout`, errors in the arguments to `stderr`.
 * @param args by their first word, only the wanted command is there; all are, without such a command
 */
export function createProgram(
  run: RunAction,
  { stdout, stderr }: { stdout: TextSink; stderr: TextSink },
  [first = '', ...rest]: readonly string[] = [],
): Command {
  const program = new Command('telegram-backup')
    .description('Keeps backups in a Telegram chat, encrypted, checked, and listed in a catalog.')
    .addHelpText('after', AFTER_OVERVIEW)
    .configureHelp({
      showGlobalOptions: true,
      // The overview has to fit a screen: the lines below it name what would be listed.
      visibleOptions: command => (command.parent === null ? [] : new Help().visibleOptions(command)),
    })
    .version(programVersion())
    // Commander's messages repeat what was typed, which may hold control characters or a password.
    .configureOutput({
      writeOut: text => stdout.write(text),
      writeErr: text => stderr.write(printable(withoutPasswords(text))),
    })
    .exitOverride()
  // The options of all commands take as long to describe as a query of the catalog.
  const [, completed = '', ...more] = rest
  const name = first === WORD_COMPLETION && more.length > 0 ? completed : first
  const wanted = COMMAND_NAMES.has(name) && name !== MANUAL ? new Set([name]) : COMMAND_NAMES
  registerCommands(program, run, wanted)
  if (first === WORD_COMPLETION) registerWordCompletion(program, run)
  return program
}

function outputOf(host: Host, { json = false, quiet, verbose }: CommonOptions): Output {
  const { stdout, stderr, env } = host
  const detail = verbose ? 'verbose' : quiet ? 'quiet' : 'normal'
  return new Output({ json, detail, stdout, stderr, env })
}

const NOT_FILLED: FilledEnvironment = { origins: new Map(), files: [], unreadable: [] }

async function perform(
  action: CommandAction,
  {
    host,
    output,
    signal,
    onHangup,
    named,
    retryLock,
    needs = { settings: true },
  }: Pick<CommandContext, 'host' | 'output'> &
    Pick<StopSignals, 'signal' | 'onHangup'> & {
      named: string | undefined
      retryLock: string | undefined
      needs: { settings: boolean } | undefined
    },
): Promise<ExitCode> {
  let config: Config | undefined
  let environment = NOT_FILLED
  const context: CommandContext = {
    get environment() {
      return environment
    },
    // Read on first use: a wrong setting must not stop a command that does not need the settings.
    get config() {
      config ??= {
        ...readConfig(host.env),
        ...(retryLock !== undefined && { lockWaitMs: parseSpanMs(retryLock) }),
      }
      return config
    },
    host,
    output,
    note: line => output.note(line),
    signal,
    endWithin: ms => endWithin(ms, { host, output }),
    onHangup,
  }
  try {
    if (needs.settings) environment = await fillEnvironment(host.env, { named })
    return await action(context)
  } catch (error) {
    output.failure(error)
    if (exitCodeOf(error) === ExitCode.USAGE)
      for (const path of environment.unreadable)
        output.note(`note: ${path} is not used: this user cannot read it`)
    return exitCodeOf(error)
  }
}

/**
 * When the reader of stdout closes it (`list | head -1`), the process ends quietly. When stderr closes, the
 * work continues: a log collector that restarts must not end a backup.
 */
function endWithTheReader(host: Host): void {
  const { stdout, stderr } = host
  stderr.on('error', () => {})
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') stderr.write(`error: stdout cannot be written (${error.code})\n`)
    host.exit(ExitCode.FAILED)
  })
}

/** The longest delay that a timer of Node takes. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/** Ends the process after that time, even if a catalog, a client or a job hangs. */
function endWithin(ms: number, { host, output }: Pick<CommandContext, 'host' | 'output'>): void {
  const late = (): void => {
    output.reason('the command did not stop in time; the next run cleans up what was unfinished', undefined)
    host.exit(ExitCode.FAILED)
  }
  setTimeout(late, Math.min(ms, LONGEST_WAIT_MS)).unref()
}
