import { planSource, type SendPlan } from '@telegram-backup/engine/backup/send-plan.ts'
import { namesPlace, type SourceSettings } from '@telegram-backup/engine/config/source-settings.ts'
import type { Command } from 'commander'
import { type CommandContext, type CommonOptions, ownOptions, usageError } from '#commands/command.ts'
import { collected } from '#commands/repeatable-option.ts'

/** The options of `send` as commander gives them: the settings of the source, in camel case. */
export interface SendOptions extends CommonOptions {
  source?: string
  /** The id of the backup to resume. */
  resume?: string
  dryRun?: boolean
  [setting: string]: unknown
}

/** Ends the help text of each repeatable option. */
const MANY = '(may be repeated)'

/** Adds the options that say what is backed up. */
export function withSourceOptions(command: Command): Command {
  return (
    command
      .option(
        '--tag <tag>',
        `a word to find the backup by, and to keep it by: 1 to 64 letters, digits, ".", "_", ":", "-" ${MANY}`,
        collected,
      )
      .optionsGroup('The source, one of:')
      .option(
        '--source <name>',
        'a source of telegram-backup.yaml; options given here replace the settings there',
      )
      .option(
        '--postgres <url>',
        'a PostgreSQL database, read by pg_dump; give the password in PGPASSWORD, ~/.pgpass or a --source, not in the URL',
      )
      .option(
        '--postgres-cluster <url>',
        'a whole PostgreSQL server, by the URL of any of its databases: roles, tablespaces and each database, one backup each, in one group',
      )
      .option('--directory <path>', 'a directory, read by GNU tar')
      .option('--file <path>', 'a file; write a name that is not UTF-8 as "ls -b" prints it')
      .optionsGroup('With --postgres:')
      .option('--format <format>', 'plain (SQL) or custom (for pg_restore) (default: plain)')
      .option('--schema <pattern>', `only this schema ${MANY}`, collected)
      .option('--exclude-schema <pattern>', `all but this schema ${MANY}`, collected)
      .option('--table <pattern>', `only this table ${MANY}`, collected)
      .option('--exclude-table <pattern>', `all but this table ${MANY}`, collected)
      .option('--exclude-table-data <pattern>', `back up this table without its rows ${MANY}`, collected)
      .option('--lock-timeout <time>', 'how long to wait for a locked table; 0 waits for ever (default: 60s)')
      .option(
        '--proof <mode>',
        'what is recorded for verify --drill, which reads each table a second time: off, count (rows), fast (hashes), sha256 (hashes that others can compute). With --directory: the SHA-256 of each file, with --file and -: hashes of the rows of a plain dump; off leaves them out (default: fast)',
      )
      // With `--no-count-rows` alone, commander would set `countRows` to true by default.
      .option('--count-rows', 'the older spelling of --proof, for a source that turns it off')
      .option('--no-count-rows', 'the older spelling of --proof off')
      .optionsGroup('With --postgres-cluster (and --format, --exclude-table-data, --lock-timeout, --proof):')
      .option('--exclude-database <pattern>', `all databases but this one ${MANY}`, collected)
      .option(
        '--role-passwords',
        'back up the hashes of passwords too, which only a superuser may read; without it, roles come back without passwords',
      )
      .optionsGroup('With --directory:')
      .option(
        '--exclude <pattern>',
        `leave out files, as tar does: "*.tmp" anywhere, "./cache" only at the top; * also matches / ${MANY}`,
        collected,
      )
      .option('--one-file-system', 'leave out other file systems that are mounted below the directory')
      .option(
        '--allow <kinds>',
        'unreadable, vanished, changed: do not fail because of such files, but list them and end with exit code 3. empty: accept an empty selection of logs, or empty standard input',
        collected,
      )
      .option(
        '--include <glob>',
        `with --type logs: only files that match, "*.log" in any folder, "nginx/*.log" in that one ${MANY}`,
        collected,
      )
      .option('--since <when>', 'with --type logs: only files changed since then: 24h, 7d, 2026-11-24')
  )
}

/**
 * The options, together with the settings of the `--source` in the configuration file. Throws `USAGE` and
 * `CONFIGURATION`.
 */
export async function planSend(
  context: CommandContext,
  stdin: string | undefined,
  options: SendOptions,
): Promise<SendPlan> {
  if (stdin !== undefined && stdin !== '-') {
    // The argument is not repeated: it may be a URL with a password.
    throw usageError(
      'The only argument without an option is "-"',
      'Name the source with --file, --directory, --postgres, --postgres-cluster or --source.',
    )
  }
  const { source: name } = options
  const { source: _source, dryRun: _dryRun, ...rest } = ownOptions(options)
  const typed: SourceSettings = Object.fromEntries(
    Object.entries({ ...rest, ...(stdin === undefined ? {} : { stdin: true }) }).map(([option, value]) => [
      option.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
  const settings = name === undefined ? typed : replaced(await namedSource(context, name, typed), typed)
  return { ...planSource(settings), sourceName: name }
}

/** Both spellings of `proof` are one setting. */
function replaced(source: SourceSettings, typed: SourceSettings): SourceSettings {
  const { proof, count_rows, ...others } = source
  const isTyped = typed.proof !== undefined || typed.count_rows !== undefined
  return { ...others, ...(!isTyped && { proof, count_rows }), ...typed }
}

async function namedSource(
  context: CommandContext,
  name: string,
  typed: SourceSettings,
): Promise<SourceSettings> {
  if (namesPlace(typed)) {
    throw usageError('Name exactly one source', '--source already says what is backed up.')
  }
  const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
  const file = await readConfigFile(context.config)
  for (const warning of file.warnings) context.output.note(`warning: ${warning}`)
  return file.source(name)
}
