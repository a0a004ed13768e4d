import { BackupError, describeError, HIDDEN, hasOwnWords, hideSecrets } from '@telegram-backup/errors'
import { type Logger, pino } from 'pino'
import { type Environment, readSetting } from '#environment.ts'
import { terminalJson } from '#units/terminal-json.ts'

export type { Logger }

/** From the most to the least detail. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

/** LOG_LEVEL, or `byDefault` if unset. Throws `CONFIGURATION` for an unknown level. */
export function readLogLevel(environment: Environment = process.env, byDefault: LogLevel = 'info'): LogLevel {
  const text = readSetting(environment, 'LOG_LEVEL')?.toLowerCase() ?? byDefault
  const level = LOG_LEVELS.find(name => name === text)
  if (level !== undefined) return level
  throw new BackupError('LOG_LEVEL is not a log level', {
    code: 'CONFIGURATION',
    hint: `Set it to one of ${LOG_LEVELS.join(', ')}.`,
  })
}

/**
 * A log of JSON lines. Pass errors as `error`. No line holds a secret of a known shape, or characters that
 * break a line or reverse its order.
 * @param options.layout writes an entry in another form, with its line break; secrets are hidden already, but
 * not characters that change a terminal
 */
export function createLogger({
  level = 'info',
  stream = process.stderr,
  layout = entry => `${terminalJson(JSON.stringify(entry))}\n`,
}: {
  level?: LogLevel | undefined
  stream?: { write(line: string): unknown } | undefined
  layout?: ((entry: Readonly<Record<string, unknown>>) => string) | undefined
} = {}): Logger {
  return pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: errorFields, error: errorFields },
      // The whole line, because a secret may be in any text, such as the message of a library.
      hooks: { streamWrite: line => layout(withoutSecrets(JSON.parse(line)) as Record<string, unknown>) },
    },
    { write: line => void stream.write(line) },
  )
}

/**
 * Code, message and hint; of the cause only name and code, because messages of servers name users and hosts.
 * The stack only of errors that are not ours.
 */
function errorFields(error: unknown): object {
  // A `DescribedError`, or the error in a row.
  if (typeof error === 'object' && error !== null && !(error instanceof Error)) return error
  const described = describeError(error)
  if (!(error instanceof Error)) return described
  const { cause } = error
  return {
    ...described,
    ...(cause instanceof Error && { cause: { name: cause.name, code: describeError(cause).code } }),
    ...(hasOwnWords(error) ? {} : { name: error.name, stack: error.stack }),
  }
}

const SECRET_FIELD = /^(?:.*[_-])?(?:password|passwd|token|secret|authorization|api_?key)$/i

function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return hideSecrets(value)
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      hideSecrets(key),
      SECRET_FIELD.test(key) && item !== null ? HIDDEN : withoutSecrets(item),
    ]),
  )
}
