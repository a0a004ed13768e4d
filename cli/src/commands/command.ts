import type { Database } from '@telegram-backup/database'
import type { Config } from '@telegram-backup/engine/environment.ts'
import { type OpenEngine, openCatalog, openEngine } from '@telegram-backup/engine/wiring.ts'
import { describeError, type ExitCode } from '@telegram-backup/errors'
import type { Command } from 'commander'
import type { Output } from '#commands/output.ts'
import type { Host } from '#host.ts'

/** What a command works with. */
export interface CommandContext {
  /** Throws `CONFIGURATION` for an invalid setting. */
  readonly config: Config
  /** The process that the command runs in. */
  readonly host: Host
  output: Output
  /** Fires at Ctrl-C and SIGTERM. */
  signal: AbortSignal
  /**
   * Gives the process that many milliseconds to stop cleanly; after that it prints an error and ends with
   * exit code 1.
   */
  endWithin(ms: number): void
  /**
   * From now on SIGHUP calls this instead of ending the process; not in a terminal, where SIGHUP means that
   * it closed.
   */
  onHangup(listener: () => void): void
}

/** The action of a command: returns the exit code, or throws. */
export type CommandAction = (context: CommandContext) => Promise<ExitCode>

/** Runs the action of a command; `cli.ts` provides it. */
export type RunAction = (action: CommandAction, options: { json?: boolean }) => Promise<void>

/** Adds one command, with its options and `--json` and examples in its help. */
export type RegisterCommand = (program: Command, run: RunAction) => void

/** Adds what every command has: `--json`, and examples at the end of its help. */
export function withCommonOptions(command: Command, examples: readonly string[]): Command {
  return command.option('--json', JSON_WORDS).addHelpText('after', exampleLines(examples))
}

/** The same for a group of commands, each of which has `--json` itself. */
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

/** Opens what the operations need, for one piece of work, and closes it, also after a failure. */
export async function withEngine<Result>(
  context: CommandContext,
  work: (engine: OpenEngine) => Promise<Result>,
): Promise<Result> {
  const { config, output, signal } = context
  const engine = await openEngine(config, { signal, note: line => output.note(line) })
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
    note: line => context.output.note(line),
  })
  try {
    return await work(database)
  } finally {
    await leave(context, database)
  }
}

/** Runs work with a catalog that is opened on first use, and closed at the end. */
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
    // The caller that asked for the catalog already got the error.
    await opened?.then(
      database => leave(context, database),
      () => {},
    )
  }
}

/**
 * As {@link withCatalog}, but the catalog closes while the caller continues. `closed` resolves after that and
 * never rejects; the caller waits for it at the end.
 */
export async function readCatalog<Result>(
  context: CommandContext,
  read: (database: Database) => Promise<Result>,
): Promise<{ result: Result; closed: Promise<void> }> {
  const database = await openCatalog(context.config, context.signal, {
    note: line => context.output.note(line),
  })
  try {
    return { result: await read(database), closed: leave(context, database) }
  } catch (error) {
    await leave(context, database)
    throw error
  }
}

/** An error while closing changes neither the result of the work nor the reason of its failure. */
export async function leave({ output }: CommandContext, database: { close(): Promise<void> }): Promise<void> {
  await database.close().catch((error: unknown) => output.note(`warning: ${describeError(error).message}`))
}
