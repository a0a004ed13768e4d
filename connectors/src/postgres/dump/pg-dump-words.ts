/** Most warnings, most errors, and the longest of them. */
const MAX_MESSAGES = 100
const MAX_MESSAGE_LENGTH = 1_000

const OWN = /^pg_dump(all)?: /
const ERROR = /^(error|fatal|ERROR|FATAL|PANIC): +(?!(query|the command) was)/i
const WARNING = /^(warning|NOTICE): +/i
/** Belongs to the line before it. */
const EXPLANATION = /^(detail|hint|last built-in OID|reading|saving|dumping|creating)\b/i
/** SQL follows, often of many lines. */
const QUERY = /^((detail|error): +)?(query|command|the command) was\b|^(LINE \d+|STATEMENT|CONTEXT):/i

/**
 * What pg_dump or pg_dumpall, and the server through it, wrote to stderr. Warnings may be kept with the
 * backup; an error fails it. Both come with the lines that explain them, without queries, which are long and
 * help nobody.
 */
export class PgDumpWords {
  readonly warnings: string[] = []
  readonly errors: string[] = []
  /** The list for a line that continues a message; undefined within a query. */
  #current: string[] | undefined = this.warnings
  #begun = false

  hear(line: string): void {
    const isItsOwn = OWN.test(line)
    const text = line.replace(OWN, '').trim()
    if (text === '') return
    if (QUERY.test(text)) this.#current = undefined
    else if (ERROR.test(text)) this.#begin(this.errors, text.replace(/^error: /, ''))
    else if (WARNING.test(text)) this.#begin(this.warnings, text.replace(/^warning: /, ''))
    // A message of the program in no known form counts as an error; an unknown first line is kept.
    else if (isItsOwn && !EXPLANATION.test(text)) this.#begin(this.errors, text)
    else if (!this.#begun) this.#begin(this.warnings, text)
    else this.#extend(text)
  }

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
