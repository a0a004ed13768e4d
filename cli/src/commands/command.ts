import type { Database } from '@telegram-backup/database'
import type { Config } from '@telegram-backup/engine/environment.ts'
import { type OpenEngine, openCatalog, openEngine } from '@telegram-backup/engine/wiring.ts'
import { describeError, type ExitCode } from '@telegram-backup/errors'
import type { Command } from 'commander'
import type { Output } from '#commands/output.ts'
import type { Host } from '#host.ts'

/** What a command works with. */
export interface CommandContext {
  /** Throws `CONFIGURATION` for a setting that cannot be. */
  readonly config: Config
  /** The process that the command runs in. */
  readonly host: Host
  output: Output
  /** Fires at Ctrl-C and SIGTERM. */
  signal: AbortSignal
  /** From now on the process has so many milliseconds to end in good order; then it ends with exit code 1, and says so. */
  endWithin(ms: number): void
  /** From now on SIGHUP calls this, and ends nothing; but in a terminal, where it says that the terminal is gone. */
  onHangup(listener: () => void): void
}

/** What a command does; it throws, or returns its exit code. */
export type CommandAction = (context: CommandContext) => Promise<ExitCode>

/** Hands an action to whoever runs commands; declared here, made by `cli.ts`. */
export type RunAction = (action: CommandAction, options: { json?: boolean }) => Promise<void>

/** Adds one command, with its options and `--json` and examples in its help. */
export type RegisterCommand = (program: Command, run: RunAction) => void

/** The option and the help's last lines that every command has. */
export function withCommonOptions(command: Command, examples: readonly string[]): Command {
  return command.option('--json', JSON_WORDS).addHelpText('after', exampleLines(examples))
}

/** The same for one that only groups others, each of which has the option itself. */
export function asGroup(command: Command, examples: readonly string[]): Command {
  return command.addHelpText(
    'after',
    `\nEach of these commands takes --json: ${JSON_WORDS}.\n${exampleLines(examples)}`,
  )
}

const JSON_WORDS = 'print only one JSON value on stdout'

function exampleLines(examples: readonly string[]): string {
  const title = examples.length === 1 ? 'Example' : 'Examples'
  return `\n${title}:\n${examples.map(example => `  ${example}`).join('\n')}`
}

/** Opens all that operations work with for one piece of work and closes it, also after a failure. */
export async function withEngine<Result>(
  context: CommandContext,
  work: (engine: OpenEngine) => Promise<Result>,
): Promise<Result> {
  const { config, output, signal } = context
  const engine = await openEngine(config, { signal, tell: words => output.note(words) })
  try {
    return await work(engine)
  } finally {
    await leave(context, engine)
  }
}

/** Opens the catalog for one piece of work and closes it, also after a failure. */
export async function withCatalog<Result>(
  context: CommandContext,
  work: (database: Database) => Promise<Result>,
  options: { connections?: number } = {},
): Promise<Result> {
  const database = await openCatalog(context.config, context.signal, {
    ...options,
    tell: words => context.output.note(words),
  })
  try {
    return await work(database)
  } finally {
    await leave(context, database)
  }
}

/** Works with a catalog that is opened only when it is wanted, and closed in the end. */
export async function withCatalogWhenWanted<Result>(
  context: CommandContext,
  work: (catalog: () => Promise<Database>) => Promise<Result>,
): Promise<Result> {
  let opened: Promise<Database> | undefined
  try {
    return await work(() => {
      opened ??= openCatalog(context.config, context.signal)
      return opened
    })
  } finally {
    // One that could not be opened has told so to who wanted it.
    await opened?.then(
      database => leave(context, database),
      () => {},
    )
  }
}

/**
 * As {@link withCatalog}, but it is being closed while the caller goes on with what was read. `closed` resolves when that is
 * done, and never rejects; the caller waits for it in the end.
 */
export async function readCatalog<Result>(
  context: CommandContext,
  read: (database: Database) => Promise<Result>,
): Promise<{ result: Result; closed: Promise<void> }> {
  const database = await openCatalog(context.config, context.signal, {
    tell: words => context.output.note(words),
  })
  try {
    return { result: await read(database), closed: leave(context, database) }
  } catch (error) {
    await leave(context, database)
    throw error
  }
}

/** What was done stays done, and what failed stays the reason, also when the catalog cannot be left in good order. */
export async function leave({ output }: CommandContext, database: { close(): Promise<void> }): Promise<void> {
  await database.close().catch((error: unknown) => output.note(`warning: ${describeError(error).message}`))
}
