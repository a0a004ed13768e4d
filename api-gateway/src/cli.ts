import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { registerCard } from '#cli/card-command.ts'
import type { CommandAction, CommandContext, RegisterCommand, RunAction } from '#cli/command.ts'
import { registerDemo } from '#cli/demo-command.ts'
import { registerDoctor } from '#cli/doctor-command.ts'
import { registerEmulator } from '#cli/emulator-command.ts'
import { registerErase } from '#cli/erase-command.ts'
import { ExitCode, exitCodeOf } from '#cli/exit-codes.ts'
import { registerExpire } from '#cli/expire-command.ts'
import { registerFetch } from '#cli/fetch-command.ts'
import { registerKeygen } from '#cli/keygen-command.ts'
import { registerList } from '#cli/list-command.ts'
import { Output, printable, withoutPasswords } from '#cli/output.ts'
import { registerReconcile } from '#cli/reconcile-command.ts'
import { registerRecover } from '#cli/recover-command.ts'
import { registerRestore } from '#cli/restore-command.ts'
import { registerSend } from '#cli/send-command.ts'
import { registerShow } from '#cli/show-command.ts'
import { registerStats } from '#cli/stats-command.ts'
import { type Config, readConfig } from '#config.ts'

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
  registerRecover,
  registerCard,
  registerReconcile,
  registerErase,
  registerExpire,
  registerEmulator,
]

/** The command line. Resolves to the exit code; only this file prints failures and minds signals. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  const stop = stopOnSignals()
  endWithTheReader()
  let exitCode: ExitCode = ExitCode.DONE
  const run: RunAction = async (action, options) => {
    exitCode = await perform(action, { json: options.json === true, signal: stop.signal })
  }
  const program = new Command('telegram-backup')
    .description(
      'Backups whose vault is a Telegram chat: encrypted, proven, recorded, and fetched back whole.',
    )
    .addHelpText('after', '\nStart with "telegram-backup demo"; it needs nothing but this program.')
    .configureHelp({ showGlobalOptions: true })
    .version(readVersion())
    // Its messages repeat what was typed.
    .configureOutput({ writeErr: text => process.stderr.write(printable(withoutPasswords(text))) })
    .exitOverride()
  for (const register of COMMANDS) register(program, run)
  for (const command of program.commands) command.exitOverride()
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
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

function readVersion(): string {
  const manifest = readFileSync(new URL(import.meta.resolve('#package.json')), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function outputOf(options: { json: boolean }): Output {
  return new Output({ ...options, stdout: process.stdout, stderr: process.stderr })
}

async function perform(
  action: CommandAction,
  options: { json: boolean; signal: AbortSignal },
): Promise<ExitCode> {
  const output = outputOf(options)
  let config: Config | undefined
  const context: CommandContext = {
    // Read when it is asked for: a setting that is wrong need not stop a command that uses none.
    get config() {
      config ??= readConfig()
      return config
    },
    output,
    signal: options.signal,
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

/** Ctrl-C, a service manager, a terminal that is closed. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** The first of them asks for an orderly end, the second ends at once; the catalog knows either way. */
function stopOnSignals(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      // An exit would wait for a system call that blocks, such as opening a FIFO that nobody reads.
      process.emit('exit', ExitCode.FAILED)
      process.kill(process.pid, 'SIGKILL')
    }
    process.stderr.write('\nStopping in good order; once more ends it at once.\n')
    controller.abort()
  }
  for (const name of STOP_SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    end: () => {
      for (const name of STOP_SIGNALS) process.off(name, onSignal)
    },
  }
}
