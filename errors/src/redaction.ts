import { constants } from 'node:os'
import { BackupError, type DescribedError, describeError, hintOf } from '#backup-error.ts'
import { commandLineWords, type HintWords } from '#hint.ts'

/** Errors of our own, with messages for people. */
const OUR_ERRORS: ReadonlySet<string> = new Set([
  'BackupError',
  'TelegramError',
  'CatalogError',
  'ArchiveError',
])
/** Codes of Node and its web interfaces, and `describeError`'s code for errors without one. */
const FOREIGN_CODE = /^(?:ERR_|ABORT_ERR$|UNEXPECTED$)/

const UNFORESEEN: DescribedError = {
  code: 'UNEXPECTED',
  message: 'An internal error occurred; the log has the details',
}

/**
 * Whether an error's message is ours. An error of ours with a foreign code repeats foreign words, which may
 * contain paths, hosts and users.
 */
export function hasOwnWords(error: unknown): boolean {
  if (!(error instanceof Error) || !OUR_ERRORS.has(error.name)) return false
  const { code } = describeError(error)
  return !FOREIGN_CODE.test(code) && !Object.hasOwn(constants.errno, code)
}

/**
 * What of an error may leave this process, in a row, a notice or an answer. Only the log gets the error
 * itself.
 */
export function redactError(error: unknown, words: HintWords = commandLineWords): DescribedError {
  if (!hasOwnWords(error)) return { ...UNFORESEEN }
  const { code, message } = describeError(error)
  const hint = hintOf(error, words)
  return { code, message: hideSecrets(message), ...(hint === undefined ? {} : { hint: hideSecrets(hint) }) }
}

/** Stands for a secret. */
export const HIDDEN = '[hidden]'

/**
 * Bot tokens, user and password of a URL, passwords in parameters or JSON, keys of the HTTP API and of
 * doors, links and sessions of people, private keys of age and in PEM. Each pattern takes rather too much;
 * only the URL form of our hints stays.
 */
const SECRETS: readonly [RegExp, string][] = [
  [/(?<!\d)\d{6,20}(?::|%3A)[A-Za-z0-9_-]{20,}/gi, HIDDEN],
  [/(:\/\/)(?!USER(?::PASSWORD)?@HOST\b[^\s@]*(?!\S))\S{0,1024}@/g, `$1${HIDDEN}@`],
  [/((?:password|passwd|pwd|token|secret)(?:=|%3D))[^\s&]+/gi, `$1${HIDDEN}`],
  [/("(?:password|token|secret|authorization|api_?key)"\s{0,9}:\s{0,9}")(?:[^"\\]|\\.)+/gi, `$1${HIDDEN}`],
  // A shorter text is a word of a sentence.
  [/\b(Bearer\s{1,9})[^\s;]{16,}/gi, `$1${HIDDEN}`],
  [/\btbk_[A-Za-z0-9_-]+/g, HIDDEN],
  // A shorter text may be the name of a table.
  [/\btb[dls]_[A-Za-z0-9_-]{43}/g, HIDDEN],
  [/AGE-SECRET-KEY-[A-Z0-9-]+/gi, HIDDEN],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*/g, HIDDEN],
]

/** Hides secrets of a known form. */
export function hideSecrets(text: string): string {
  return SECRETS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text)
}

/** The same for a text that comes line by line: a private key goes on in the next lines. */
export function lineHider(): (line: string) => string {
  let isInKey = false
  return line => {
    const isHidden = isInKey
    if (/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/.test(line)) isInKey = true
    if (/-----END [A-Z ]{0,40}PRIVATE KEY-----/.test(line)) isInKey = false
    return isHidden ? HIDDEN : hideSecrets(line)
  }
}

/** As {@link hideSecrets}, for each text in an object, not for deeper ones. */
export function hideSecretsIn<Given extends object>(given: Given): Given {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      typeof value === 'string' ? hideSecrets(value) : value,
    ]),
  ) as Given
}

/**
 * The same error in other words: its message, its hint, and the texts between the actions of its hint. An
 * error without words of ours comes back as it is.
 */
export function rewordError(error: unknown, words: (text: string) => string): unknown {
  if (!hasOwnWords(error)) return error
  const { code, message, hint } = describeError(error)
  const advice = error instanceof BackupError ? error.advice : undefined
  return new BackupError(words(message), {
    code,
    hint: advice?.map(words) ?? (hint && words(hint)),
    cause: error,
  })
}
