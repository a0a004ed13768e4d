import { Command, CommanderError } from 'commander'
import type { CommandAction, RegisterCommand, RunAction } from '#cli/command.ts'
import { registerDemo } from '#cli/demo-command.ts'
import { registerDoctor } from '#cli/doctor-command.ts'
import { registerEmulator } from '#cli/emulator-command.ts'
import { ExitCode, exitCodeOf } from '#cli/exit-codes.ts'
import { registerFetch } from '#cli/fetch-command.ts'
import { registerKeygen } from '#cli/keygen-command.ts'
import { registerList } from '#cli/list-command.ts'
import { Output } from '#cli/output.ts'
import { registerSend } from '#cli/send-command.ts'
import { registerShow } from '#cli/show-command.ts'
import { registerStats } from '#cli/stats-command.ts'
import { readConfig } from '#config.ts'
import { BackupError } from '#lib/backups/backup-error.ts'

const COMMANDS: readonly RegisterCommand[] = [
  registerDemo,
  registerKeygen,
  registerDoctor,
  registerSend,
  registerList,
  registerShow,
  registerStats,
  registerFetch,
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
    .exitOverride()
  for (const register of COMMANDS) register(program, run)
  for (const command of program.commands) command.exitOverride()
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return ExitCode.DONE
    if (args.includes('--json')) {
      const usage = new BackupError(error.message.replace(/^error: /, ''), { code: 'USAGE' })
      outputOf({ json: true }).failure(usage)
    }
    return ExitCode.USAGE
  } finally {
    stop.end()
  }
}

function outputOf(options: { json: boolean }): Output {
  return new Output({ ...options, stdout: process.stdout, stderr: process.stderr })
}

async function perform(
  action: CommandAction,
  options: { json: boolean; signal: AbortSignal },
): Promise<ExitCode> {
  const output = outputOf(options)
  try {
    return await action({ config: readConfig(), output, signal: options.signal })
  } catch (error) {
    output.failure(error)
    return exitCodeOf(error)
  }
}

/** A reader that has seen enough (`list | head -1`) is no failure of ours; there is nobody left to tell anything. */
function endWithTheReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.FAILED)
    throw error
  })
}

/** The first Ctrl-C or SIGTERM asks for an orderly end, the second ends at once; the catalog knows either way. */
function stopOnSignals(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(ExitCode.FAILED)
    process.stderr.write('\nStopping in good order; once more ends it at once.\n')
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    end: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
