import { type Hint, hint, option } from '@telegram-backup/errors'
import type { BackupSource, SourceFacts } from 'telegram-deployment-bot'
import { withDumpLines } from '#dump-lines.ts'
import { type ClientProgram, choosePgDump, findClientPrograms } from '#postgres/client-programs.ts'
import { type PostgresConnection, parsePostgresUrl, withoutPassword } from '#postgres/connection.ts'
import type { DatabaseFacts } from '#postgres/dump/database-facts.ts'
import { assertGoodDump } from '#postgres/dump/dump-end.ts'
import { type PgDumpOptions, pgDumpArguments } from '#postgres/dump/pg-dump-arguments.ts'
import { PgDumpWords } from '#postgres/dump/pg-dump-words.ts'
import { isOfWholeDatabase, SourceSession } from '#postgres/dump/source-session.ts'
import { type ChildOutput, startChild } from '#programs/child-output.ts'

interface Dump {
  program: ClientProgram
  child: ChildOutput
  words: PgDumpWords
}

/**
 * Starts pg_dump on a database, and asks the server for what a dump does not hold. A server that cannot be
 * reached or refuses the login is known before this resolves; later failures make `finish` throw `SOURCE`.
 * Throws `USAGE` for a malformed URL, `CONFIGURATION` without a pg_dump that is new enough, `UNREACHABLE`,
 * `CANCELLED`.
 */
export async function openPostgresSource(
  url: string,
  options: PgDumpOptions & { signal?: AbortSignal | undefined },
): Promise<BackupSource> {
  const { signal } = options
  const connection = parsePostgresUrl(url)
  const startedAt = new Date()
  const beginning = SourceSession.begin(connection, signal)
  // Awaited below; what may fail sooner comes first.
  beginning.catch(() => {})
  let early: Promise<Dump> | undefined
  try {
    const installed = await findClientPrograms('pg_dump', signal)
    const session = await beginning
    const asked = session.facts(options)
    asked.catch(() => {})
    const of = { connection, options, session, asked }
    const [only, ...others] = installed
    // With one pg_dump installed there is no choice to wait for: it works while the server is asked.
    early = only && others.length === 0 ? start(only, of) : undefined
    early?.catch(() => {})
    const known = await asked
    const program = choosePgDump(installed, known.serverMajor)
    const dump = await (early ?? start(program, of))
    const source = sourceOf(dump, { known, connection, startedAt, options, session })
    if (session.snapshot !== undefined || options.format === 'custom') return source
    return withDumpLines(source, {
      proof: options.proof,
      zones: { time_zones: [await session.timeZone()], is_time_zone_known: true },
    })
  } catch (error) {
    await early?.then(({ child }) => child.close()).catch(() => {})
    await beginning.then(session => session.close()).catch(() => {})
    throw error
  }
}

async function start(
  program: ClientProgram,
  of: {
    connection: PostgresConnection
    options: PgDumpOptions
    session: SourceSession
    asked: Promise<DatabaseFacts>
  },
): Promise<Dump> {
  const { connection, options, session, asked } = of
  const words = new PgDumpWords()
  const { snapshot } = session
  const args = [...pgDumpArguments(options), `--dbname=${connection.uri}`]
  const child = await startChild({
    program: program.path,
    args: snapshot === undefined ? args : [`--snapshot=${snapshot}`, ...args],
    env: connection.environment,
    encoding: 'utf8',
    onErrorLine: line => words.hear(withoutPassword(line, connection)),
    ...(snapshot !== undefined && {
      again: async () => {
        const [error] = words.errors
        if (error === undefined || !isForTheSession(error)) return undefined
        words.forget()
        // The backup needs the session's answer.
        await asked.catch(() => {})
        await session.standBack()
        return args
      },
    }),
  })
  return { program, child, words }
}

/**
 * Whether pg_dump failed, before it wrote anything, only because of the session beside it: behind a balancer
 * they are on two servers, or the server has no second connection for us. Then the dump is worth more than
 * the count. Only the beginnings of messages count: names of tables, which follow, may be anything.
 */
export function isForTheSession(error: string): boolean {
  const refused = /^connection to (?:server|database) .* failed: (.*)$/s.exec(error)?.[1]
  if (refused !== undefined) return NO_CONNECTION.test(refused)
  return NO_SNAPSHOT.test(error)
}

const NO_CONNECTION =
  /^(?:(?:FATAL|ERROR): +.*(?:too many (?:connections|clients)|connection slots|query_wait_timeout)|timeout expired)/s
const NO_SNAPSHOT =
  /^query failed: (?:ERROR: +(?:snapshot "[^"]*" does not exist|invalid snapshot identifier|could not import the requested snapshot|cannot import a snapshot)|FATAL: +query_wait_timeout)/

function sourceOf(
  { program, child, words }: Dump,
  of: {
    known: DatabaseFacts
    connection: PostgresConnection
    startedAt: Date
    options: PgDumpOptions
    session: SourceSession
  },
): BackupSource {
  const { known, connection, startedAt, options, session } = of
  const sent = Promise.withResolvers<void>()
  const reading = session.contents(options, { dumpEnded: child.ended, partsSent: sent.promise })
  return {
    archiveSource: { fd: child.fd },
    filename: dumpFileName(known.database, options),
    sizeBytes: undefined,
    // There is no estimate for a part of a database.
    estimatedBytes: isWhole(options) ? known.estimatedBytes : undefined,
    facts: {
      kind: 'postgres',
      host: connection.host,
      ...known.facts,
      // They may not be in a part.
      ...(isOfWholeDatabase(options) ? known.superuser : {}),
      pg_dump_version: program.version,
      format: options.format,
      options: pgDumpArguments(options),
      started_at: startedAt.toISOString(),
    },
    finish: async plainBytesRead => {
      assertGoodDump(await child.ended, { program: 'pg_dump', words, plainBytesRead, hintFor })
      const endedAt = new Date()
      sent.resolve()
      const contents = await reading
      const facts: SourceFacts = { ended_at: endedAt.toISOString(), ...(contents && { contents }) }
      const warnings = [...known.warnings, ...words.warnings]
      return { facts: warnings.length > 0 ? { ...facts, warnings } : facts }
    },
    close: async () => {
      await Promise.all([child.close(), session.close(), reading])
    },
  }
}

function isWhole(options: PgDumpOptions): boolean {
  return isOfWholeDatabase(options) && options.excludeTableData.length === 0
}

/** A database can have any name. */
export function dumpFileName(database: string, { format }: Pick<PgDumpOptions, 'format'>): string {
  const name = database.replace(/[/\\\p{Cc}]/gu, '_') || 'database'
  return `${name}.${format === 'custom' ? 'dump' : 'sql'}`
}

function hintFor(error: string): string | Hint {
  if (/row-level security/.test(error)) {
    return 'Rows that the user may not see would be missing: dump as the owner or as a user with BYPASSRLS.'
  }
  if (/permission denied/.test(error)) {
    return 'Let the user read everything (GRANT pg_read_all_data TO …, PostgreSQL 14 or newer), or leave out the tables that it may not read.'
  }
  if (/due to (lock|statement) timeout|could not obtain lock/.test(error)) {
    return hint`Somebody holds a lock on a table; try again later, or wait longer with ${option('lock-timeout')}.`
  }
  if (/no matching (schemas|tables)/.test(error))
    return hint`Check the patterns of ${option('schema')} and ${option('table')}.`
  return 'The messages that were already sent are deleted. Fix the cause and send again.'
}
