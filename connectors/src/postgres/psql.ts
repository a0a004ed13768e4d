import { BackupError } from '@telegram-backup/errors'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { type PostgresConnection, withoutPassword } from '#postgres/connection.ts'
import { beginning } from '#postgres/sql-text.ts'
import { FilterProgram } from '#programs/piped-program.ts'

export interface QueryOptions {
  /** psql's path; default: the newest that is installed. */
  psql?: string | undefined
  signal?: AbortSignal | undefined
  /** Values for `:'name'` and `:"name"` in the query. They are in the argument list: no secrets. */
  variables?: Readonly<Record<string, string>>
  /** For DROP DATABASE and the like, without a transaction: the search path is not empty then. */
  isOutsideTransactions?: boolean
  /** For writing into a database that may be set to be read only. Default: as the database says. */
  mode?: 'read write'
}

/** Enough for the facts of a server with very many roles. */
export const MAX_ANSWER_BYTES: number = 64 * 1024 * 1024

/**
 * Asks the server by `psql`, so that URLs, pass files and TLS mean the same as for pg_dump. `sql` may be
 * several statements; one may give one row with one JSON value, which is returned. Throws `UNREACHABLE`,
 * `CONFIGURATION` when the login is refused or there is no psql, `POSTGRES` for an error of the query,
 * `CANCELLED`.
 */
export async function queryJson(
  connection: PostgresConnection,
  sql: string,
  options: QueryOptions = {},
): Promise<unknown> {
  const { signal, variables = {}, isOutsideTransactions = false, mode } = options
  const input = isOutsideTransactions ? sql : [...beginning(mode), sql, ';', 'commit;', ''].join('\n')
  const psql = options.psql ?? (await newestClientProgram('psql', signal)).path
  const assignments = Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`])
  const program = new FilterProgram(
    psql,
    ['-X', '-q', '-A', '-t', '-w', '-v', 'ON_ERROR_STOP=1', ...assignments, '-d', connection.uri],
    { environment: { ...connection.environment, PGCLIENTENCODING: 'UTF8' } },
  )
  const kill = (): void => void program.kill()
  signal?.addEventListener('abort', kill, { once: true })
  if (signal?.aborted) kill()
  const output: Buffer[] = []
  let outputBytes = 0
  try {
    for await (const chunk of program.pass([Buffer.from(input)])) {
      outputBytes += chunk.length
      // Leaving the loop kills psql.
      if (outputBytes > MAX_ANSWER_BYTES) break
      output.push(chunk)
    }
  } finally {
    signal?.removeEventListener('abort', kill)
  }
  const { exitCode, words } = await program.ended
  if (signal?.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
  if (exitCode !== 0) throw failureOf(words, connection)
  const answer = Buffer.concat(output).toString()
  return answer.trim() === '' ? undefined : JSON.parse(answer)
}

/** The error alone out of psql's words, in one line; details, which may repeat rows, stay out. */
export function firstError(words: string): string {
  const lines = words.split('\n').map(line => line.trim())
  const line = lines.find(text => /\b(ERROR|FATAL|PANIC|error):/.test(text)) ?? lines.find(Boolean)
  return (line ?? 'it gave no reason').replace(/^psql: (error: )?/, '').slice(0, 500)
}

/** With the line breaks of a name in it; the attempt at another host follows. */
const FATAL = /FATAL: +([\s\S]*?)(?=\s*$|\n(?:connection to server|psql:|[A-Z]+: ))/

/** What psql's words about a failure mean: `CONFIGURATION`, `UNREACHABLE` or `POSTGRES`. */
export function failureOf(said: string, connection: PostgresConnection): BackupError {
  const words = withoutPassword(said, connection)
  const reason = firstError(words)
  const whole = words.replace(/\s+/g, ' ')
  if (/FATAL:|no password supplied|authentication failed/.test(whole)) {
    const why = FATAL.exec(words)?.[1]?.replaceAll('\n', ' ').slice(0, 500) ?? reason
    return new BackupError(`PostgreSQL at ${connection.display} refused the login: ${why}`, {
      code: 'CONFIGURATION',
      hint: 'Check user, password (PGPASSWORD, ~/.pgpass or the URL) and the name of the database.',
    })
  }
  if (/connection to server|could not translate host name|could not connect/.test(whole)) {
    return new BackupError(`PostgreSQL at ${connection.display} cannot be reached: ${reason}`, {
      code: 'UNREACHABLE',
      hint: 'Check host and port, and whether the server runs.',
    })
  }
  return new BackupError(`PostgreSQL at ${connection.display} refused: ${reason}`, { code: 'POSTGRES' })
}
