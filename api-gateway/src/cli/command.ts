import type { Database } from '@telegram-backup/database'
import type { Command } from 'commander'
import type { ExitCode } from '#cli/exit-codes.ts'
import type { Output } from '#cli/output.ts'
import type { Config } from '#config.ts'
import { openCatalog } from '#wiring.ts'

/** What a command works with. */
export interface CommandContext {
  config: Config
  output: Output
  /** Fires at Ctrl-C and SIGTERM. */
  signal: AbortSignal
}

/** What a command does; it throws, or returns its exit code. */
export type CommandAction = (context: CommandContext) => Promise<ExitCode>

/** Hands an action to whoever runs commands; declared here, made by `cli.ts`. */
export type RunAction = (action: CommandAction, options: { json?: boolean }) => Promise<void>

/** Adds one command, with its options and `--json` and examples in its help. */
export type RegisterCommand = (program: Command, run: RunAction) => void

/** The option and the help's last lines that every command has. */
export function withCommonOptions(command: Command, examples: readonly string[]): Command {
  const title = examples.length === 1 ? 'Example' : 'Examples'
  return command
    .option('--json', 'one JSON value on stdout, nothing else there')
    .addHelpText('after', `\n${title}:\n${examples.map(example => `  ${example}`).join('\n')}`)
}

/** Opens the catalog for one piece of work and closes it, also after a failure. */
export async function withCatalog<Result>(
  context: CommandContext,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = await openCatalog(context.config, context.signal)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
