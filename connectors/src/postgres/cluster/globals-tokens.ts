/** A piece of SQL as pg_dumpall writes it. `name`: bare names are folded, quoted ones are as they are. */
export type Token =
  | { is: 'word'; text: string }
  | { is: 'name'; text: string }
  | { is: 'text'; text: string }
  | { is: 'number'; text: string }
  | { is: 'sign'; text: '(' | ')' | ',' | '=' }

// Sticky, in the order in which they are tried.
const SPACE = /\s+|--[^\n]*(?:\n|$)/y
/** `\restrict` and `\unrestrict`, which are for psql. */
const PSQL_COMMAND = /\\[^\n]*(?:\n|$)/y
const QUOTED_NAME = /"(?:[^"]|"")+"/y
const ESCAPED_TEXT = /E'(?:[^'\\]|''|\\\\)*'/y
const PLAIN_TEXT = /'(?:[^'\\]|'')*'/y
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const NUMBER = /-?\d+(?:\.\d+)?/y
const SIGN = /[(),=]/y

/**
 * Cuts the globals into statements. `undefined` stands for a statement with something in it that pg_dumpall
 * does not write: all up to the next semicolon at the end of a line. Nothing of the text is ever run: known
 * statements are written anew from their tokens, so a wrong cut loses a statement, and adds none.
 */
export function* statementsOf(text: string): Generator<Token[] | undefined> {
  let at = 0
  let tokens: Token[] = []
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const [found] = pattern.exec(text) ?? []
    if (found !== undefined) at += found.length
    return found
  }
  while (at < text.length) {
    if (match(SPACE) !== undefined) continue
    if (tokens.length === 0 && match(PSQL_COMMAND) !== undefined) continue
    if (text[at] === ';') {
      at++
      if (tokens.length > 0) yield tokens
      tokens = []
      continue
    }
    const token = tokenAt(match)
    if (token !== undefined) {
      tokens.push(token)
      continue
    }
    const end = text.indexOf(';\n', at)
    at = end === -1 ? text.length : end + 1
    yield undefined
    tokens = []
  }
  // A statement without its end was cut off.
  if (tokens.length > 0) yield undefined
}

function tokenAt(match: (pattern: RegExp) => string | undefined): Token | undefined {
  const quoted = match(QUOTED_NAME)
  if (quoted !== undefined) return { is: 'name', text: quoted.slice(1, -1).replaceAll('""', '"') }
  const escaped = match(ESCAPED_TEXT)
  if (escaped !== undefined) {
    return { is: 'text', text: escaped.slice(2, -1).replaceAll("''", "'").replaceAll('\\\\', '\\') }
  }
  const plain = match(PLAIN_TEXT)
  if (plain !== undefined) return { is: 'text', text: plain.slice(1, -1).replaceAll("''", "'") }
  const word = match(WORD)
  // PostgreSQL folds ASCII letters only.
  if (word !== undefined) return { is: 'word', text: word.replace(/[A-Z]/g, letter => letter.toLowerCase()) }
  const number = match(NUMBER)
  if (number !== undefined) return { is: 'number', text: number }
  const sign = match(SIGN)
  return sign === undefined ? undefined : { is: 'sign', text: sign as '(' | ')' | ',' | '=' }
}
