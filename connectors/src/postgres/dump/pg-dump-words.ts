/** How many of either are kept, and how long each may be. */
const MAX_MESSAGES = 100
const MAX_MESSAGE_LENGTH = 1_000

const ERROR = /^(error|fatal|ERROR|FATAL|PANIC): +(?!(query|the command) was)/i
const WARNING = /^(warning|NOTICE): +/i
/** What belongs to the line before it. */
const EXPLANATION = /^(detail|hint|last built-in OID|reading|saving|dumping|creating)\b/i
/** What follows is SQL, often of many lines. */
const QUERY = /^((detail|error): +)?(query|command|the command) was\b|^(LINE \d+|STATEMENT|CONTEXT):/i

/**
 * What pg_dump, and the server through it, said on stderr. A warning may be kept with the backup; an error never may.
 * Both come with the lines that explain them, but without the queries: those are long, and nobody's fault.
 */
export class PgDumpWords {
  readonly warnings: string[] = []
  readonly errors: string[] = []
  /** Where a line that begins nothing belongs; undefined within a query. */
  #current: string[] | undefined = this.warnings
  #begun = false

  /** Takes one line. */
  hear(line: string): void {
    const isItsOwn = line.startsWith('pg_dump: ')
    const text = line.replace(/^pg_dump: /, '').trim()
    if (text === '') return
    if (QUERY.test(text)) this.#current = undefined
    else if (ERROR.test(text)) this.#begin(this.errors, text.replace(/^error: /, ''))
    else if (WARNING.test(text)) this.#begin(this.warnings, text.replace(/^warning: /, ''))
    // What pg_dump itself says in no known form is taken for an error; a first line of somebody else is not lost.
    else if (isItsOwn && !EXPLANATION.test(text)) this.#begin(this.errors, text)
    else if (!this.#begun) this.#begin(this.warnings, text)
    else this.#extend(text)
  }

  /** What was said so far does not count: pg_dump is run again. */
  forget(): void {
    this.warnings.length = 0
    this.errors.length = 0
    this.#current = this.warnings
    this.#begun = false
  }

  #begin(list: string[], text: string): void {
    this.#begun = true
    this.#current = list
    if (list.length < MAX_MESSAGES) list.push(text.slice(0, MAX_MESSAGE_LENGTH))
  }

  #extend(text: string): void {
    const list = this.#current
    const last = list?.at(-1)
    if (list === undefined || last === undefined || list.length === MAX_MESSAGES) return
    list[list.length - 1] = `${last} ${text}`.slice(0, MAX_MESSAGE_LENGTH)
  }
}
