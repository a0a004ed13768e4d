import { usageError } from '#commands/command.ts'
import { printable } from '#commands/output.ts'

const FORMATS = ['auto', 'pretty', 'json'] as const

/** Whether the log is for people. `auto`: on a terminal. Throws `USAGE` for an unknown format. */
export function isForPeople(format: string, stream: { isTTY?: boolean }): boolean {
  if (!FORMATS.some(known => known === format)) {
    throw usageError(`--log-format does not know "${format}"`, `Use ${FORMATS.join(', ')}.`)
  }
  return format === 'pretty' || (format === 'auto' && stream.isTTY === true)
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** The machine and the process are the reader's own. */
const LEFT_OUT: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'error', 'err'])

/** One entry of the log for people: local time, level, text, facts; what an error says on the next line. */
export function prettyLine(entry: Readonly<Record<string, unknown>>): string {
  const { level, time, msg = '', error = entry['err'] } = entry
  const facts = Object.entries(entry)
    .filter(([name, value]) => !LEFT_OUT.has(name) && value !== undefined && value !== null)
    .map(([name, value]) => `${oneLine(name)}=${shownValue(value)}`)
  const head = `${clockTime(time)} ${String(level).toUpperCase().padEnd(5)} ${oneLine(String(msg))}`
  return `${[head, ...facts].join('  ')}\n${errorLines(error)}`
}

function errorLines(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const { message, code, hint, stack } = error as Record<string, unknown>
  const words = [
    `${String(message ?? '')}${code === undefined ? '' : ` (${String(code)})`}`,
    ...(hint === undefined ? [] : [`hint: ${String(hint)}`]),
  ]
  const frames = typeof stack === 'string' ? stack.split('\n').slice(1) : []
  return [...words.map(oneLine), ...frames.map(frame => oneLine(frame.trim()))]
    .map(line => `         ${line}\n`)
    .join('')
}

/** An id is cut to the eight characters that name it; a text with blanks is quoted. */
function shownValue(value: unknown): string {
  if (typeof value === 'string' && UUID.test(value)) return value.slice(0, 8)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return oneLine(typeof value === 'string' && /[\s"]/.test(value) ? JSON.stringify(value) : text)
}

/** Others choose parts of these texts: none may begin a line of its own, or change the terminal. */
function oneLine(text: string): string {
  return printable(text.replaceAll('\n', ' '))
}

function clockTime(time: unknown): string {
  const at = new Date(String(time))
  if (Number.isNaN(at.getTime())) return '--:--:--'
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map(part => String(part).padStart(2, '0'))
    .join(':')
}
