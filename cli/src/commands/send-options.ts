import { planSource, type SendPlan } from '@telegram-backup/engine/backup/send-plan.ts'
import { namesPlace, type SourceSettings } from '@telegram-backup/engine/config/source-settings.ts'
import { BackupError } from '@telegram-backup/errors'
import type { Command } from 'commander'
import type { CommandContext } from '#commands/command.ts'

/** The options of `send` as commander hands them over: the source's settings, in camel case. */
export interface SendOptions {
  source?: string
  /** Id of a backup to go on with. */
  resume?: string
  json?: boolean
  [setting: string]: unknown
}

/** The four words of each repeatable option's help. */
const MANY = '(may be repeated)'

/** Adds the options that say what is backed up. */
export function withSourceOptions(command: Command): Command {
  const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]
  return (
    command
      .optionsGroup('The source, one of:')
      .option('--source <name>', 'what telegram-backup.yaml says under that name; other options go before it')
      .option(
        '--postgres <url>',
        'a database, by pg_dump; PGPASSWORD, ~/.pgpass or --source keep the password off the command line',
      )
      .option('--directory <path>', 'a directory, by GNU tar')
      .option('--file <path>', 'a file; its name also as "ls -b" prints it')
      .optionsGroup('With --postgres:')
      .option('--format <format>', 'plain (SQL) or custom (for pg_restore); default: plain')
      .option('--schema <pattern>', `only this schema ${MANY}`, collect)
      .option('--exclude-schema <pattern>', `not this schema ${MANY}`, collect)
      .option('--table <pattern>', `only this table ${MANY}`, collect)
      .option('--exclude-table <pattern>', `not this table ${MANY}`, collect)
      .option('--exclude-table-data <pattern>', `this table, but none of its rows ${MANY}`, collect)
      .option('--lock-timeout <time>', 'how long to wait for a locked table; 0 is for ever (default: 60s)')
      // Without the first, commander would have the second mean that it is on wherever it is not given.
      .option(
        '--count-rows',
        'count the rows of each table for verify --drill, also where the source says not to',
      )
      .option('--no-count-rows', 'do not: it reads each table once more')
      .optionsGroup('With --directory:')
      .option(
        '--exclude <pattern>',
        `leave out, as tar does: "*.tmp" anywhere, "./cache" at the top only; * matches a / too ${MANY}`,
        collect,
      )
      .option('--one-file-system', 'leave out what is mounted below it')
      .option(
        '--allow <kinds>',
        'back up the rest (exit code 3, with a list) where files are unreadable, vanished or changed meanwhile; empty: no log is selected, or (with -) nothing came',
        collect,
      )
      .option(
        '--include <glob>',
        `with --type logs: only these, "*.log" in any folder, "nginx/*.log" in that one ${MANY}`,
        collect,
      )
      .option('--since <when>', 'with --type logs: only what was written to since then: 24h, 7d, 2026-11-24')
  )
}

/** Options, and what the configuration file says under `--source`. Throws `USAGE` and `CONFIGURATION`. */
export async function planSend(
  context: CommandContext,
  stdin: string | undefined,
  options: SendOptions,
): Promise<SendPlan> {
  if (stdin !== undefined && stdin !== '-') {
    // Not repeated: it may be a URL with a password.
    throw new BackupError('Only "-" can stand without an option', {
      code: 'USAGE',
      hint: 'Name the source with --file, --directory, --postgres or --source.',
    })
  }
  const { source: name, json, ...rest } = options
  const typed: SourceSettings = Object.fromEntries(
    Object.entries({ ...rest, ...(stdin === undefined ? {} : { stdin: true }) }).map(([option, value]) => [
      option.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
  const settings = name === undefined ? typed : { ...(await namedSource(context, name, typed)), ...typed }
  return { ...planSource(settings), sourceName: name }
}

async function namedSource(
  context: CommandContext,
  name: string,
  typed: SourceSettings,
): Promise<SourceSettings> {
  if (namesPlace(typed)) {
    throw new BackupError('Name exactly one source', {
      code: 'USAGE',
      hint: '--source says already what is backed up.',
    })
  }
  const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
  const file = await readConfigFile(context.config)
  for (const warning of file.warnings) context.output.note(`warning: ${warning}`)
  return file.source(name)
}
