import type { Database } from '@telegram-backup/database'
import type { FilledEnvironment } from '@telegram-backup/engine/config/environment-files.ts'
import type { Config } from '@telegram-backup/engine/environment.ts'
import type { BackupWords } from '@telegram-backup/engine/operations/find-backup.ts'
import { parseTime } from '@telegram-backup/engine/units/quantities.ts'
import { type OpenEngine, openCatalog, openEngine } from '@telegram-backup/engine/wiring.ts'
import { BackupError, describeError, type ExitCode } from '@telegram-backup/errors'
import { type Command, Option } from 'commander'
import { callLog } from '#commands/call-log.ts'
import type { Output } from '#commands/output.ts'
import type { Host } from '#host.ts'

const WORDS_FOR_A_BACKUP =
  'the backup: its id, the first eight characters of its id, "latest", or "latest:SOURCE" for the newest backup of that source or project'

/** What a command works with. */
export interface CommandContext {
  /** Throws `CONFIGURATION` for an invalid setting. */
  readonly config: Config
  /** Where the settings come from that the environment itself does not have. */
  readonly environment: FilledEnvironment
  /** The process that the command runs in. */
  readonly host: Host
  readonly output: Output
  /** `output.note`, for operations that report to the user. */
  readonly note: (line: string) => void
  /** Fires at Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
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

/** What {@link describeCommand} adds to every command. */
export interface CommonOptions {
  json?: boolean
  quiet?: boolean
  verbose?: boolean
  utc?: boolean
  envFile?: string
  /** Of the commands that take locks. */
  retryLock?: string
}

/**
 * Runs the action of a command; `cli.ts` provides it.
 * @param needs.settings false for a command that works without any: no environment file is read for it
 */
export type RunAction = (
  action: CommandAction,
  options: CommonOptions,
  needs?: { settings: boolean },
) => Promise<void>

/** Adds one command, with its options, those of all commands, and examples in its help. */
export type RegisterCommand = (program: Command, run: RunAction) => void

type Argument = readonly [name: string, help: string]

/** The argument of commands that work on one backup; `describeCommand` adds the options that go with it. */
export const BACKUP_ID: Argument = ['<id>', WORDS_FOR_A_BACKUP]
/** As {@link BACKUP_ID}, for a command that can also work on many. */
export const OPTIONAL_BACKUP_ID: Argument = ['[id]', WORDS_FOR_A_BACKUP]

/** The options that go with {@link BACKUP_ID}. */
export interface BackupIdOptions {
  before?: string
  tag?: string
}

const BACKUP_ID_OPTIONS: OptionHelp = {
  '--before <when>':
    'with latest: the newest backup made before this time: 2026-11-01, "2026-11-01 15:30", or 7d for seven days ago',
  '--tag <tag>': 'with latest: the newest backup that has this tag',
}

/** How the user named a backup. Throws `USAGE`. */
export function backupWords(id: string, { before, tag }: BackupIdOptions): BackupWords {
  return { id, tag, before: before === undefined ? undefined : parseTime(before) }
}

/** By their flags: what each option does, and its default, if any. */
type OptionHelp = Readonly<Record<string, string | readonly [help: string, byDefault: string]>>

/** The help of a command, and its options. */
interface CommandHelp {
  /** Whether it may have to wait for a lock that another process holds. */
  takesLocks?: boolean
  description: string
  argument?: Argument
  options?: OptionHelp
  examples: readonly string[]
}

/** The option of each command that may have to wait for a lock. */
const LOCK_OPTIONS: OptionHelp = {
  '--retry-lock <time>':
    'wait up to this long for each thing that another process works on now: a backup, the index of the chat, the hooks of a source (default: a minute for the index, else not at all)',
}

/** The options of all commands. */
const COMMON_OPTIONS: OptionHelp = {
  '--env-file <file>': 'read settings that are not set from this file first (NAME=value in each line)',
  '--utc': 'show and read times in UTC instead of the local zone; JSON always has UTC',
  '--json': 'print only one JSON value on stdout',
  '-q, --quiet': 'print only what was asked for, warnings and errors: nothing when all is well',
  '-v, --verbose':
    'also print each call to the chat, each new try with its reason, and the time of each step',
}

/** By the names that commander gives them, in camel case. */
const COMMON_OPTION_NAMES: ReadonlySet<string> = new Set(
  Object.keys({ ...COMMON_OPTIONS, ...LOCK_OPTIONS }).map(flags => new Option(flags).attributeName()),
)

/** Gives a command its help, its options, and those of all commands. */
export function describeCommand(
  command: Command,
  { description, argument, options = {}, takesLocks = false, examples }: CommandHelp,
): Command {
  command.description(description)
  if (argument !== undefined) command.argument(...argument)
  const ofBackup = argument?.[1] === WORDS_FOR_A_BACKUP ? BACKUP_ID_OPTIONS : {}
  addOptions(command, { ...options, ...ofBackup, ...(takesLocks ? LOCK_OPTIONS : {}) })
  command.optionsGroup('Options of every command:')
  addOptions(command, COMMON_OPTIONS)
  return command.optionsGroup('Options:').addHelpText('after', exampleLines(examples))
}

function addOptions(command: Command, options: OptionHelp): void {
  for (const [flags, help] of Object.entries(options)) {
    if (typeof help === 'string') command.option(flags, help)
    else command.option(flags, ...help)
  }
}

/** The options that the command has of its own. */
export function ownOptions(
  options: CommonOptions & Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !COMMON_OPTION_NAMES.has(name)))
}

/** Gives a group of commands its help; each of its commands has the common options itself. */
export function describeGroup(
  command: Command,
  { description, examples }: Pick<CommandHelp, 'description' | 'examples'>,
): Command {
  const width = Math.max(...Object.keys(COMMON_OPTIONS).map(flags => flags.length))
  const lines = Object.entries(COMMON_OPTIONS).map(([flags, help]) => `  ${flags.padEnd(width)}  ${help}`)
  const common = `\nEach of these commands takes:\n${lines.join('\n')}\n`
  return command.description(description).addHelpText('after', common + exampleLines(examples))
}

function exampleLines(examples: readonly string[]): string {
  const title = examples.length === 1 ? 'Example' : 'Examples'
  return `\n${title}:\n${examples.map(example => `  ${example}`).join('\n')}`
}

/** A mistake in the arguments. */
export function usageError(message: string, hint?: string): BackupError {
  return new BackupError(message, { code: 'USAGE', hint })
}

/** The number that an option gives. Throws `USAGE` for anything else, and for a number out of the range. */
export function wholeNumber(option: string, text: string, range?: { from: number; to: number }): number {
  const { from, to } = range ?? { from: 0, to: Number.POSITIVE_INFINITY }
  if (/^\d{1,9}$/.test(text) && Number(text) >= from && Number(text) <= to) return Number(text)
  throw usageError(
    `${option} ${JSON.stringify(text.slice(0, 40))} is ${range ? 'not a number in its range' : 'not a whole number'}`,
    range ? `Give a whole number from ${from} to ${to}.` : `Write a number, for example ${option} 7.`,
  )
}

export const PORTS = { from: 0, to: 65_535 }

/** A kind of thing with ids, and the command that lists them. */
export interface Listed {
  noun: string
  list: string
}

/**
 * The only one whose id is, or begins with, what the user typed. Throws `NOT_FOUND`, and `USAGE` for
 * several.
 */
export function oneById<Thing extends { id: string }>(
  things: readonly Thing[],
  typed: string,
  of: Listed,
): Thing {
  const start = typed.trim().toLowerCase()
  const [one, another] = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/.test(start)
    ? things.filter(({ id }) => id.startsWith(start))
    : []
  if (another !== undefined) {
    throw usageError(
      `Several ${of.noun}s have ids that begin with ${start}`,
      'Give more characters of the id.',
    )
  }
  if (one === undefined) throw unknownId(typed, of)
  return one
}

export function unknownId(typed: string, { noun, list }: Listed): BackupError {
  return new BackupError(`No ${noun} has the id ${JSON.stringify(typed.slice(0, 80))}`, {
    code: 'NOT_FOUND',
    hint: `telegram-backup ${list} shows the ids; the first eight characters are enough.`,
  })
}

/** Opens what the operations need, for one piece of work, and closes it, also after a failure. */
export async function withEngine<Result>(
  context: CommandContext,
  work: (engine: OpenEngine) => Promise<Result>,
): Promise<Result> {
  const { config, signal, note, output } = context
  const engine = await openEngine(config, { signal, note, ...callLog(output) })
  output.step('the catalog is open')
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
  const database = await open(context, options)
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
  const database = await open(context)
  try {
    return { result: await read(database), closed: leave(context, database) }
  } catch (error) {
    await leave(context, database)
    throw error
  }
}

function open(
  { config, signal, note }: CommandContext,
  options: { connections?: number } = {},
): Promise<Database> {
  return openCatalog(config, signal, { ...options, note })
}

/** An error while closing changes neither the result of the work nor the reason of its failure. */
export async function leave({ note }: CommandContext, database: { close(): Promise<void> }): Promise<void> {
  await database.close().catch((error: unknown) => note(`warning: ${describeError(error).message}`))
}
