import { unquoted } from '#postgres/restore/selection/dump-names.ts'

const TOKEN = /\s+|"(?:[^"]|"")*"|[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*|./gsy

/**
 * The schema of the first name with a schema in a statement, which is what the statement makes or changes;
 * undefined when there is none before the first constant.
 */
export function schemaNamedFirst(text: string): string | undefined {
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [token] = match
    if (token === "'" || token === '$') return undefined
    if (/^["A-Za-z_\x80-\xff]/.test(token) && text[TOKEN.lastIndex] === '.') return unquoted(token)
  }
  return undefined
}
