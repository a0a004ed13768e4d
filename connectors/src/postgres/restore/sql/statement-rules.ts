import { BackupError, hint, run } from '@telegram-backup/errors'

export type Verdict = 'keep' | 'drop'

/** No rule is about a longer statement. */
export const LONGEST_RULED_STATEMENT_BYTES = 1024

/** First words of statements that have rules, in lower case. */
const RULED_WORDS: ReadonlySet<string> = new Set([
  'abort',
  'begin',
  'commit',
  'end',
  'rollback',
  'set',
  'start',
])

/** Whether the whole statement is needed to decide about it. */
export function isRuled(firstWord: string): boolean {
  return RULED_WORDS.has(firstWord)
}

/** pg_dump puts these round large objects; they would end our own transaction, or warn. */
const TRANSACTION_OF_ITS_OWN = /^(begin|commit|end|start\s+transaction)(\s+(work|transaction))?\s*;$/i
const SETTING = /^set\s+(?:session\s+|local\s+)?(\w+)\s*(?:=|\bto\b)\s*'?([\w ]*)'?\s*;$/i

/**
 * Decides about a statement with such a first word. `text` has its `;`, and is undefined for a statement that
 * is too long for the rules. Throws `UNRESTORABLE` for one that would end the restore's transaction.
 */
export function judge(
  firstWord: string,
  text: string | undefined,
  unknownSettings: ReadonlySet<string>,
): Verdict {
  if (firstWord === 'set') {
    const [, name = ''] = SETTING.exec(text ?? '') ?? []
    return unknownSettings.has(name.toLowerCase()) ? 'drop' : 'keep'
  }
  if (text !== undefined && TRANSACTION_OF_ITS_OWN.test(text)) return 'drop'
  throw unrestorable(
    `The dump holds a ${firstWord.toUpperCase()} of its own, which cannot be done inside of the restore’s`,
  )
}

/** The value that this statement gives to `standard_conforming_strings`; undefined for others. */
export function standardStringsSetBy(text: string): boolean | undefined {
  const [, name = '', value = ''] = SETTING.exec(text) ?? []
  if (name.toLowerCase() !== 'standard_conforming_strings') return undefined
  return !/^(off|false|no|0)$/i.test(value.trim())
}

export function unrestorable(message: string): BackupError {
  return new BackupError(message, {
    code: 'UNRESTORABLE',
    hint: hint`pg_dump never writes such a statement. Get the file with "${run('fetch')}" and look at it.`,
  })
}
