/** A piece of a statement, as bytes in Latin-1. */
export interface SqlToken {
  text: string
  /** Parentheses around it. */
  depth: number
  /** In capitals for a word without quotes, else ''. */
  word: string
}

const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"]|"")*"|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|\$([A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$[\s\S]*?\$\1\$|[A-Za-z_\x80-\xff][\w$\x80-\xff]*|\s+|[\s\S]/g
const WORD = /^[A-Za-z_][\w$]*$/

/** Cuts one statement into its tokens, blanks and comments among them: joined, they are the statement. */
export function tokensOf(statement: string): SqlToken[] {
  let depth = 0
  return (statement.match(TOKEN) ?? []).map(text => {
    if (text === ')') depth--
    const token = { text, depth, word: WORD.test(text) ? text.toUpperCase() : '' }
    if (text === '(') depth++
    return token
  })
}

/** Whether the token means something to the server. */
export function isBlank({ text }: SqlToken): boolean {
  return /^(?:\s|--|\/\*)/.test(text)
}
