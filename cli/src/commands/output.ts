import { terminalJson } from '@telegram-backup/engine/units/terminal-json.ts'
import { describeError, hideSecrets } from '@telegram-backup/errors'
import { ProgressLine } from '#commands/progress-line.ts'
import { type Cell, type Column, tableText } from '#commands/terminal-table.ts'
import { rendered, type Text, wantsColour } from '#commands/terminal-text.ts'
import type { TextSink } from '#host.ts'

/** The part of a JSON log that a command needs. */
export interface LineLog {
  debug(text: string): void
  info(text: string): void
  warn(text: string): void
  fatal(facts: object, text: string): void
}

const WARNING = 'warning: '
const NOWHERE: TextSink = { write: () => {}, isTTY: false }

/**
 * How much is printed besides JSON. `quiet`: only what was asked for, warnings, errors, and what is left to
 * do. `verbose`: also each call to the chat, and how long the steps took.
 */
export type Detail = 'quiet' | 'normal' | 'verbose'

/** Of a terminal that does not say. */
const WIDTH_OF_A_TERMINAL = 80

/** The output of a command: one answer on stdout (text, or one JSON value), everything else on stderr. */
export class Output {
  readonly json: boolean
  readonly detail: Detail
  readonly stdout: TextSink
  readonly stderr: TextSink
  readonly #env: NodeJS.ProcessEnv
  #log: LineLog | undefined
  readonly #lines: ProgressLine[] = []
  readonly #startMs = performance.now()

  /** @param options.env says whether colours are wanted */
  constructor(options: {
    json: boolean
    detail?: Detail
    stdout: TextSink
    stderr: TextSink
    env?: NodeJS.ProcessEnv
  }) {
    this.json = options.json
    this.detail = options.detail ?? 'normal'
    this.stdout = options.stdout
    this.stderr = options.stderr
    this.#env = options.env ?? {}
  }

  /** A progress line on stderr, which is cleared while other output is printed. */
  progressLine(): ProgressLine {
    const line = new ProgressLine(this.detail === 'quiet' ? NOWHERE : this.stderr)
    this.#lines.push(line)
    return line
  }

  /** What was asked for. `text` is not called when JSON is wanted. */
  answer(value: unknown, text: () => Text): void {
    this.#makeRoom()
    const words = this.json
      ? terminalJson(JSON.stringify(value, undefined, 2))
      : rendered(text(), { hasColour: wantsColour(this.stdout, this.#env), clean: printable })
    this.stdout.write(`${words}\n`)
  }

  /** Rows as columns, which fit the terminal. */
  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): Text {
    const width = this.stdout.isTTY === true ? (this.stdout.columns ?? WIDTH_OF_A_TERMINAL) : undefined
    return tableText(columns, rows, width)
  }

  /** What a command did; when all is well, a quiet command says nothing about it. */
  outcome(value: unknown, text: () => Text, { isDone = true }: { isDone?: boolean } = {}): void {
    if (this.json || this.detail !== 'quiet' || !isDone) this.answer(value, text)
  }

  /**
   * From now on everything but the answer goes into this log on stderr, so that its reader finds no other
   * lines there.
   */
  logTo(log: LineLog): void {
    this.#log = log
  }

  /** A note for the user that is not part of the answer. Only warnings appear when the command is quiet. */
  note(text: string): void {
    if (this.detail !== 'quiet' || text.startsWith(WARNING)) this.insist(text)
  }

  /** One step of the work, with the time since the start; only when the command is verbose. */
  step(text: string): void {
    if (this.detail !== 'verbose') return
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(3).padStart(8)
    if (this.#log === undefined) this.insist(`${seconds} s  ${text}`)
    else this.#log.debug(text)
  }

  /** A note that even a quiet command prints: a question needs it, or something is left to do. */
  insist(text: string): void {
    this.#makeRoom()
    if (this.#log === undefined) this.stderr.write(`${printable(text)}\n`)
    else if (text.startsWith(WARNING)) this.#log.warn(text.slice(WARNING.length))
    else this.#log.info(text)
  }

  #makeRoom(): void {
    for (const line of this.#lines) line.end()
  }

  /** Why a command failed, for people and, with JSON, as the answer. */
  failure(error: unknown): void {
    const { message: said, code, hint } = describeError(error)
    const message = hideSecrets(said)
    if (this.json) this.answer({ success: false, error: message, code, ...(hint ? { hint } : {}) }, () => '')
    this.reason(message, hint)
  }

  /** Prints an error on stderr. */
  reason(message: string, hint: string | undefined): void {
    if (this.#log !== undefined) {
      this.#log.fatal(hint === undefined ? {} : { hint }, message)
      return
    }
    this.insist(`error: ${hideSecrets(message)}`)
    if (hint !== undefined) this.insist(`hint: ${hint}`)
  }
}

/**
 * Text without control characters that change the terminal or the direction of the text: chat titles, file
 * names and errors come from others. Line breaks stay.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
}

/** What the user typed, without the password of a URL. */
export function withoutPasswords(text: string): string {
  return text.replace(/(:\/\/[^\s:@/]*):[^\n]*@/g, '$1:…@').replace(/(password=)[^\n&]*/gi, '$1…')
}
