import { type Config, readConfig } from '@telegram-backup/engine/environment.ts'
import { programVersion } from '@telegram-backup/engine/program-version.ts'
import { ExitCode, exitCodeOf, exitCodeOfSignal } from '@telegram-backup/errors'
import { Command, CommanderError } from 'commander'
import { registerApikey } from '#commands/apikey-command.ts'
import { registerCard } from '#commands/card-command.ts'
import type { CommandAction, CommandContext, RegisterCommand, RunAction } from '#commands/command.ts'
import { registerDemo } from '#commands/demo-command.ts'
import { registerDoctor } from '#commands/doctor-command.ts'
import { registerEmulator } from '#commands/emulator-command.ts'
import { registerErase } from '#commands/erase-command.ts'
import { registerExpire } from '#commands/expire-command.ts'
import { registerFetch } from '#commands/fetch-command.ts'
import { registerJobs } from '#commands/jobs-command.ts'
import { registerKeygen } from '#commands/keygen-command.ts'
import { registerList } from '#commands/list-command.ts'
import { registerNotifyTest } from '#commands/notify-test-command.ts'
import { Output, printable, withoutPasswords } from '#commands/output.ts'
import { registerPins } from '#commands/pin-command.ts'
import { registerReconcile } from '#commands/reconcile-command.ts'
import { registerRecover } from '#commands/recover-command.ts'
import { registerRestore } from '#commands/restore-command.ts'
import { registerRetention } from '#commands/retention-command.ts'
import { registerSchedule } from '#commands/schedule-command.ts'
import { registerSend } from '#commands/send-command.ts'
import { registerServe } from '#commands/serve-command.ts'
import { registerShow } from '#commands/show-command.ts'
import { registerStats } from '#commands/stats-command.ts'
import { registerVerify } from '#commands/verify-command.ts'

const COMMANDS: readonly RegisterCommand[] = [
  registerDemo,
  registerKeygen,
  registerDoctor,
  registerSend,
  registerList,
  registerShow,
  registerStats,
  registerFetch,
  registerRestore,
  registerVerify,
  registerRecover,
  registerCard,
  registerReconcile,
  registerErase,
  registerExpire,
  registerSchedule,
  registerRetention,
  registerPins,
  registerApikey,
  registerServe,
  registerJobs,
  registerNotifyTest,
  registerEmulator,
]

/**
 * The command line. Resolves to the exit code, which is that of the signal for what a signal kept from being done; only this file
 * prints failures and minds signals.
 */
export async function main(args: readonly string[]): Promise<number> {
  const stop = stopOnSignals()
  endWithTheReader()
  let exitCode: ExitCode = ExitCode.DONE
  const run: RunAction = async (action, options) => {
    const output = outputOf({ json: options.json === true })
    stop.tellBy(output)
    exitCode = await perform(action, { output, ...stop })
  }
  const program = createProgram(run)
  try {
    await program.parseAsync([...args], { from: 'user' })
    // What was done all the same, or is meant to be ended so, as serve is, was done.
    return exitCode === ExitCode.DONE ? exitCode : (stop.exitCode() ?? exitCode)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return ExitCode.DONE
    // Its words are on stderr already.
    if (args.includes('--json')) {
      const words = withoutPasswords(error.message.replace(/^error: /, ''))
      outputOf({ json: true }).answer({ success: false, error: words, code: 'USAGE' }, () => '')
    }
    return ExitCode.USAGE
  } finally {
    stop.end()
  }
}

/** All commands; `run` does what is asked for. */
export function createProgram(run: RunAction): Command {
  const program = new Command('telegram-backup')
    .description(
      'Backups whose vault is a Telegram chat: encrypted, proven, recorded, and fetched back whole.',
    )
    .addHelpText('after', '\nStart with "telegram-backup demo"; it needs nothing but this program.')
    .configureHelp({ showGlobalOptions: true })
    .version(programVersion())
    // Its messages repeat what was typed.
    .configureOutput({ writeErr: text => process.stderr.write(printable(withoutPasswords(text))) })
    .exitOverride()
  for (const register of COMMANDS) register(program, run)
  for (const command of program.commands) command.exitOverride()
  return program
}

function outputOf(options: { json: boolean }): Output {
  return new Output({ ...options, stdout: process.stdout, stderr: process.stderr })
}

async function perform(
  action: CommandAction,
  { output, signal, onHangup }: { output: Output } & Pick<StopSignals, 'signal' | 'onHangup'>,
): Promise<ExitCode> {
  let config: Config | undefined
  const context: CommandContext = {
    // Read when it is asked for: a setting that is wrong need not stop a command that uses none.
    get config() {
      config ??= readConfig()
      return config
    },
    output,
    signal,
    endWithin: ms => endWithin(ms, output),
    onHangup,
  }
  try {
    return await action(context)
  } catch (error) {
    output.failure(error)
    return exitCodeOf(error)
  }
}

/**
 * A reader of stdout that has seen enough (`list | head -1`) leaves nobody to tell anything. Without stderr the work
 * goes on: a log collector that restarts must not end a backup.
 */
function endWithTheReader(): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.stderr.write(`error: stdout cannot be written (${error.code})\n`)
    process.exit(ExitCode.FAILED)
  })
}

/** Of a timer. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/** Whatever hangs by then, be it a catalog, a client or a job, ends with the process. */
function endWithin(ms: number, output: Output): void {
  const late = (): void => {
    output.reason('it did not stop in time; what was under way is settled by the next run', undefined)
    process.exit(ExitCode.FAILED)
  }
  setTimeout(late, Math.min(ms, LONGEST_WAIT_MS)).unref()
}

/** Ctrl-C, a service manager, a terminal that is closed. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** Longer than the launcher takes to pass a signal on; nobody asks once more so soon. */
const PASSED_ON_WITHIN_MS = 500

interface StopSignals {
  signal: AbortSignal
  onHangup(listener: () => void): void
  /** Of the signal that came; undefined as long as none did. */
  exitCode(): number | undefined
  /** Who says that it stops. */
  tellBy(output: Output): void
  end(): void
}

/** The first of them asks for an orderly end, the second ends at once; the catalog knows either way. */
function stopOnSignals(): StopSignals {
  const controller = new AbortController()
  let hungUp: (() => void) | undefined
  let received: NodeJS.Signals | undefined
  let receivedAt = 0
  let output: Output | undefined
  // Under an older Node a launcher passes on what may have been sent to all processes of a terminal or a service.
  const isFollowed = process.env['TELEGRAM_BACKUP_LAUNCHED_BY'] === String(process.ppid)
  const onSignal = (name: NodeJS.Signals): void => {
    if (name === 'SIGHUP' && hungUp !== undefined) {
      hungUp()
      return
    }
    if (controller.signal.aborted) {
      if (isFollowed && performance.now() - receivedAt < PASSED_ON_WITHIN_MS) return
      // An exit would wait for a system call that blocks, such as opening a FIFO that nobody reads.
      process.emit('exit', exitCodeOfSignal(name))
      process.removeAllListeners(name)
      process.kill(process.pid, name)
      return
    }
    received = name
    receivedAt = performance.now()
    // A terminal has "^C" at the beginning of the line.
    if (process.stderr.isTTY) process.stderr.write('\n')
    output?.note('Stopping cleanly; press Ctrl-C again to quit now.')
    controller.abort()
  }
  for (const name of STOP_SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    exitCode: () => (received === undefined ? undefined : exitCodeOfSignal(received)),
    onHangup: listener => {
      if (!process.stderr.isTTY) hungUp = listener
    },
    tellBy: of => {
      output = of
    },
    end: () => {
      for (const name of STOP_SIGNALS) process.off(name, onSignal)
    },
  }
}
