import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { BackupError } from '@telegram-backup/errors'
import type { PostgresConnection } from '#postgres/connection.ts'
import { failureOf } from '#postgres/psql.ts'
import { beginning } from '#postgres/sql-text.ts'

/** What psql gets to end by itself, once its query was cancelled. */
const GRACE_MS = 2_000
/** Of an answer, as in `psql.ts`. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_WORDS_LENGTH = 64 * 1024

/** How the last statement ended that psql was given. */
interface Ended {
  output: string
  /** How many rows it told of. */
  rows: number
}

/**
 * One psql that is asked several things, in transactions that it is told to begin. It runs in a process group of its own, so that
 * Ctrl-C reaches it by us, and its end of input, should we die, ends it after the query at hand.
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

  /** Starts psql; that it reaches no server is told by the first question. When the signal fires, it is closed. */
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

  /** Whether there is a psql still; its session may be lost all the same. */
  get isOpen(): boolean {
    return !this.#isGone && this.#closing === undefined
  }

  /** Resolves when psql has a connection. Throws what `queryJson` throws when it gets none. */
  async reached(): Promise<void> {
    await this.#inTurn('')
  }

  /** Begins a transaction; one that is open is undone. An error in it undoes its own statement alone. */
  async begin(mode: 'read only' | 'isolation level repeatable read read only'): Promise<void> {
    await this.#begin(mode)
    await this.#inTurn('\\set ON_ERROR_ROLLBACK on\n')
  }

  /** Begins one that reads, as of one moment, what `pg_dump --snapshot` then reads too. Throws `POSTGRES` where the server gives none. */
  async beginShared(): Promise<string> {
    await this.#begin('isolation level repeatable read read only')
    // Not while an error undoes one statement alone: that is done by subtransactions, which export nothing.
    const snapshot = await this.ask('select pg_catalog.to_json(pg_catalog.pg_export_snapshot())')
    await this.#inTurn('\\set ON_ERROR_ROLLBACK on\n')
    return String(snapshot)
  }

  /** Ends the transaction, and undoes what it did. Throws what `queryJson` throws when there is no session any more. */
  async end(): Promise<void> {
    if (!this.#isInTransaction) return
    this.#isInTransaction = false
    await this.#inTurn('\\set ON_ERROR_ROLLBACK off\nrollback;\n')
  }

  /**
   * Sends SQL, of one or more statements without the last semicolon, after what was asked before, in the transaction that was
   * begun. Resolves to the JSON in the last line of its output, undefined without one. Throws `POSTGRES` when the server
   * refuses the last statement, and what `queryJson` throws when there is no session or it has ended.
   */
  async ask(sql: string): Promise<unknown> {
    const { output } = await this.#inTransaction(`${sql};\n`)
    const line = output.trimEnd().split('\n').at(-1) ?? ''
    return line === '' ? undefined : JSON.parse(line)
  }

  /** Runs a `COPY … TO STDOUT`, and resolves to the number of its rows, which go nowhere. Throws what `ask` throws. */
  async countCopied(copy: string): Promise<number> {
    const { rows } = await this.#inTransaction(`${copy} \\g /dev/null\n`)
    return rows
  }

  /** Cancels what is asked just now, and ends the session. Resolves when psql is gone. May be called repeatedly. */
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
    // psql tells by its variables how the last statement ended; what it says on stderr comes in no sure order.
    // A message may have several lines, with the name of a table for example: the second mark comes after the last of them.
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
   * psql reads its input in the encoding that the server last named. In some of them a byte of a name takes the quote behind it along,
   * and what follows is read as psql's own commands: nothing more is given to it.
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
    // A query that runs would go on in the server; psql cancels it.
    if (this.#asked > 0) this.#child.kill('SIGINT')
    this.#child.stdin.end('\\q\n')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS)
    await this.ended
    clearTimeout(timer)
  }
}
