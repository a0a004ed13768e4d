/** The server has the same rule. */
export const FEWEST_CHARACTERS = 12

export type Strength = 'weak' | 'fair' | 'good'

/** What guesses begin with. */
const COMMON = /pass(?:word|wort|wd)|пароль|qwert|asdf|йцуке|1234|4321|admin|backup|telegram|letmein/i

export function lengthOf(password: string): number {
  return [...password].length
}

export function isLongEnough(password: string): boolean {
  return lengthOf(password) >= FEWEST_CHARACTERS
}

/** A rough measure of one that is long enough, so that a person picks a better one; it forbids nothing. */
export function strengthOf(password: string): Strength {
  const length = lengthOf(password)
  const different = new Set(password.toLowerCase()).size
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter(kind => kind.test(password)).length
  if (different < 6 || (COMMON.test(password) && length < 20)) return 'weak'
  return length >= 20 || (length >= 14 && kinds >= 3) ? 'good' : 'fair'
}
