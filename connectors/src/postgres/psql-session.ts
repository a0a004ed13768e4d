import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { BackupError } from '@telegram-backup/errors'
import type { PostgresConnection } from '#postgres/connection.ts'
import { failureOf } from '#postgres/psql.ts'
import { beginning } from '#postgres/sql-text.ts'

/** Time for psql to end after its query was cancelled. */
const GRACE_MS = 2_000
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_WORDS_LENGTH = 64 * 1024

/** Without a level, it is as the owner of the database has set it. */
type TransactionMode =
  | 'read only'
  | 'isolation level read committed read only'
  | 'isolation level repeatable read read only'

interface Ended {
  output: string
  rows: number
}

/**
 * One psql for several queries, in transactions. In its own process group it gets no Ctrl-C of the terminal.
 * If we die, its input ends, and so does it, after the current query.
 */
export class PsqlSession {
  /** Resolves when psql is gone; never rejects. */
  readonly ended: Promise<void>
  readonly #connection: PostgresConnection
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #signal: AbortSignal | undefined
  readonly #mark: string = randomBytes(12).toString('hex')
  readonly #onExit = (): void => void this.#child.kill('SIGINT')
  readonly #onAbort = (): void => void this.close()
  #output = ''
  #words = ''
  #isGone = false
  #onOutput: () => void = () => {}
  #asked = 0
  #isInTransaction = false
  #last: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  /** Starts psql; the first query reports a server that cannot be reached. The signal closes it. */
  constructor(connection: PostgresConnection, options: { psql: string; signal?: AbortSignal | undefined }) {
    const { psql, signal } = options
    this.#connection = connection
    this.#signal = signal
    this.#child = spawn(psql, ['-X', '-q', '-A', '-t', '-w', '--no-readline', '-d', connection.uri], {
      env: { ...connection.environment, PGCLIENTENCODING: 'UTF8' },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(0, MAX_WORDS_LENGTH)
    })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      if (this.#output.length > MAX_ANSWER_BYTES) this.#child.kill('SIGKILL')
      if (text.includes('\n')) this.#onOutput()
    })
    process.on('exit', this.#onExit)
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.ended = new Promise(resolve => {
      const end = (): void => {
        this.#isGone = true
        process.off('exit', this.#onExit)
        signal?.removeEventListener('abort', this.#onAbort)
        this.#onOutput()
        resolve()
      }
      this.#child.on('error', error => {
        this.#words += error.message
        end()
      })
      this.#child.on('close', end)
    })
    if (signal?.aborted) this.#onAbort()
  }

  /** Whether psql still runs; its connection may be lost all the same. */
  get isOpen(): boolean {
    return !this.#isGone && this.#closing === undefined
  }

  /** Resolves when psql is connected. Throws what `queryJson` throws. */
  async reached(): Promise<void> {
    await this.#inTurn('')
  }

  /** Begins a transaction, after undoing an open one. An error in it undoes its own statement alone. */
  async begin(mode: TransactionMode): Promise<void> {
    await this.#begin(mode)
    await this.#inTurn('\\set ON_ERROR_ROLLBACK on\n')
  }

  /** Begins one, and exports its snapshot for pg_dump. Throws `POSTGRES` where that fails. */
  async beginShared(): Promise<string> {
    await this.#begin('isolation level repeatable read read only')
    // Before ON_ERROR_ROLLBACK, whose subtransactions cannot export a snapshot.
    const snapshot = await this.ask('select pg_catalog.to_json(pg_catalog.pg_export_snapshot())')
    await this.#inTurn('\\set ON_ERROR_ROLLBACK on\n')
    return String(snapshot)
  }

  /** Undoes the transaction. Throws what `queryJson` throws when the session is lost. */
  async end(): Promise<void> {
    if (!this.#isInTransaction) return
    this.#isInTransaction = false
    await this.#inTurn('\\set ON_ERROR_ROLLBACK off\nrollback;\n')
  }

  /**
   * Sends SQL, one or more statements without the last semicolon, in the begun transaction, after earlier
   * queries. Resolves to the JSON in the last line of output, undefined without one. Throws `POSTGRES` when
   * the server refuses the last statement, and what `queryJson` throws when the session is lost.
   */
  async ask(sql: string): Promise<unknown> {
    const { output } = await this.#inTransaction(`${sql};\n`)
    const line = output.trimEnd().split('\n').at(-1) ?? ''
    return line === '' ? undefined : JSON.parse(line)
  }

  /** Runs a `COPY … TO STDOUT`, drops its rows, and resolves to their number. Throws what `ask` throws. */
  async countCopied(copy: string): Promise<number> {
    const { rows } = await this.#inTransaction(`${copy} \\g /dev/null\n`)
    return rows
  }

  /** Cancels the current query and ends the session. Resolves when psql is gone. May be called repeatedly. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #begin(mode: string): Promise<void> {
    await this.end()
    this.#isInTransaction = true
    for (const statement of beginning(mode)) await this.#inTurn(`${statement}\n`)
  }

  async #inTransaction(input: string): Promise<Ended> {
    if (!this.#isInTransaction) throw new Error('A PsqlSession is asked outside of a transaction')
    return await this.#inTurn(input)
  }

  #inTurn(input: string): Promise<Ended> {
    const running = this.#last.then(() => this.#run(input))
    this.#last = running.catch(() => {})
    return running
  }

  async #run(input: string): Promise<Ended> {
    const mark = `${this.#mark}.${++this.#asked}`
    this.#output = ''
    // psql's variables say how the statement ended; stderr is not in a sure order. A message may have several
    // lines: the second mark follows the last one.
    const marks = `\\echo ${mark} :ENCODING :ERROR :ROW_COUNT :LAST_ERROR_MESSAGE\n\\echo ${mark}.end\n`
    if (!this.#isGone) this.#child.stdin.write(`${input}${marks}`)
    const end = new RegExp(`^${mark} (\\S+) (true|false|:ERROR) (\\d+|:ROW_COUNT)(.*)\n${mark}\\.end\n`, 'ms')
    while (!this.#isGone && !end.test(this.#output)) {
      await new Promise<void>(resolve => {
        this.#onOutput = resolve
      })
    }
    const [whole, encoding, isError, rows, message = ''] = end.exec(this.#output) ?? []
    if (whole === undefined) throw this.#lost()
    if (encoding !== 'UTF8') throw await this.#misread(encoding)
    if (isError === 'true') throw failureOf(`ERROR: ${message.replaceAll('\n', ' ')}`, this.#connection)
    return { output: this.#output.slice(0, this.#output.indexOf(whole)), rows: Number(rows) }
  }

  /**
   * psql reads its input in the encoding that the server last named. In some, the last byte of a name
   * swallows the quote behind it, and what follows becomes a command of psql: so it gets no more input.
   */
  async #misread(encoding: string | undefined): Promise<BackupError> {
    this.#child.kill('SIGKILL')
    await this.ended
    return failureOf(`ERROR: the encoding of the session is ${encoding}, not UTF8`, this.#connection)
  }

  #lost(): BackupError {
    if (this.#signal?.aborted) return new BackupError('Cancelled', { code: 'CANCELLED' })
    return failureOf(this.#words, this.#connection)
  }

  async #close(): Promise<void> {
    // A running query would go on in the server; psql cancels it.
    if (this.#asked > 0) this.#child.kill('SIGINT')
    this.#child.stdin.end('\\q\n')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS)
    await this.ended
    clearTimeout(timer)
  }
}
