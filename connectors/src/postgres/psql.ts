import { spawn } from 'node:child_process'
import { BackupError } from '@telegram-backup/errors'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { type PostgresConnection, withoutPassword } from '#postgres/connection.ts'
import { beginning } from '#postgres/own-transaction.ts'

/** How a query is asked. */
export interface QueryOptions {
  /** psql's path; default: the newest that is installed. */
  psql?: string | undefined
  signal?: AbortSignal | undefined
  /** Values for `:'name'` and `:"name"` in the query, which psql quotes. They stand in the argument list: no secrets. */
  variables?: Readonly<Record<string, string>>
  /**
   * For the statements that PostgreSQL runs in no transaction, as DROP DATABASE: then nothing in them may be looked up by a
   * search path, no function, operator, type or table. Default: one transaction, with an empty search path.
   */
  isOutsideTransactions?: boolean
  /** For what writes into a database that may be set to be read only. Default: as the database says. */
  mode?: 'read write'
}

/** Of an answer; facts about a server with very many roles have their place in it. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_WORDS_BYTES = 64 * 1024

/**
 * Asks the server by `psql`, so that URLs, pass files and TLS mean here what they mean for pg_dump. `sql` may be several
 * statements, in one transaction in which only pg_catalog is found without a schema; one of them gives one row with one JSON value, which is returned (undefined if none does). Throws
 * `UNREACHABLE` when there is no server, `CONFIGURATION` when it lets nobody in or psql is not there, `POSTGRES` for an
 * error of the query, `CANCELLED`.
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
  const answer = await run(
    psql,
    ['-X', '-q', '-A', '-t', '-w', '-v', 'ON_ERROR_STOP=1', ...assignments, '-d', connection.uri],
    { environment: { ...connection.environment, PGCLIENTENCODING: 'UTF8' }, input, signal },
  )
  if (signal?.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
  if (answer.exitCode !== 0) throw failureOf(answer.words, connection)
  return answer.output.trim() === '' ? undefined : JSON.parse(answer.output)
}

interface Answer {
  exitCode: number | null
  output: string
  words: string
}

async function run(
  psql: string,
  args: readonly string[],
  of: { environment: Record<string, string>; input: string; signal: AbortSignal | undefined },
): Promise<Answer> {
  const child = spawn(psql, args, { env: of.environment, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  of.signal?.addEventListener('abort', kill, { once: true })
  if (of.signal?.aborted) kill()
  const output: Buffer[] = []
  const words: Buffer[] = []
  let outputBytes = 0
  let wordsBytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    outputBytes += chunk.length
    if (outputBytes > MAX_ANSWER_BYTES) kill()
    else output.push(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    wordsBytes += chunk.length
    if (wordsBytes <= MAX_WORDS_BYTES) words.push(chunk)
  })
  // It may be gone before it has read the query; its words and exit code tell why.
  child.stdin.on('error', () => {})
  child.stdin.end(of.input)
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    return { exitCode, output: Buffer.concat(output).toString(), words: Buffer.concat(words).toString() }
  } finally {
    of.signal?.removeEventListener('abort', kill)
  }
}

/** Of psql's words the error alone, in one line; what an error repeats of the data stays out. */
export function firstError(words: string): string {
  const lines = words.split('\n').map(line => line.trim())
  const line = lines.find(text => /\b(ERROR|FATAL|PANIC|error):/.test(text)) ?? lines.find(Boolean)
  return (line ?? 'it gave no reason').replace(/^psql: (error: )?/, '').slice(0, 500)
}

/** What psql's words about a failure stand for: `CONFIGURATION`, `UNREACHABLE` or `POSTGRES`. */
export function failureOf(said: string, connection: PostgresConnection): BackupError {
  const words = withoutPassword(said, connection)
  const reason = firstError(words)
  const whole = words.replace(/\s+/g, ' ')
  if (/FATAL:|no password supplied|authentication failed/.test(whole)) {
    const why = /FATAL: +([^\n]*)/.exec(words)?.[1] ?? reason
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
