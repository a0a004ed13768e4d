import { BackupError, hint, run } from '@telegram-backup/errors'

/** What becomes of a statement of the dump. */
export type Verdict = 'keep' | 'drop'

/** Enough for any statement that a rule is about; it must fit as a whole, or the rule does not know it. */
export const LONGEST_RULED_STATEMENT_BYTES = 1024

/** Words that a rule may be about when a statement begins with them; in lower case. */
const RULED_WORDS: ReadonlySet<string> = new Set([
  'abort',
  'begin',
  'commit',
  'end',
  'rollback',
  'set',
  'start',
])

/** Whether the whole statement has to be seen before it is known what becomes of it. */
export function isRuled(firstWord: string): boolean {
  return RULED_WORDS.has(firstWord)
}

/** pg_dump puts these round large objects; inside our own transaction they would end it, or warn. */
const TRANSACTION_OF_ITS_OWN = /^(begin|commit|end|start\s+transaction)(\s+(work|transaction))?\s*;$/i
const SETTING = /^set\s+(?:session\s+|local\s+)?(\w+)\s*(?:=|\bto\b)\s*'?([\w ]*)'?\s*;$/i

/**
 * What becomes of a statement whose first word `isRuled`. `text` is the statement with its `;`, or undefined when it is
 * longer than any that the rules know. Throws `UNRESTORABLE` for one that means to end the transaction of the restore: the
 * server would refuse it in other words.
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

/** Whether this statement turns `standard_conforming_strings` on or off; undefined when it does neither. */
export function standardStringsSetBy(text: string): boolean | undefined {
  const [, name = '', value = ''] = SETTING.exec(text) ?? []
  if (name.toLowerCase() !== 'standard_conforming_strings') return undefined
  return !/^(off|false|no|0)$/i.test(value.trim())
}

/** Why a dump is not restored; pg_dump writes none that is refused. */
export function unrestorable(message: string): BackupError {
  return new BackupError(message, {
    code: 'UNRESTORABLE',
    hint: hint`pg_dump writes no such thing. Get the file with "${run('fetch')}" and look at it.`,
  })
}
