import { randomBytes } from 'node:crypto'

/** What encloses a piece of SQL in psql's input. */
export interface Wrapping {
  head: Buffer
  tail: Buffer
}

/**
 * Passes SQL to the server inside of PL/pgSQL's EXECUTE. For psql it is the inside of a dollar quote, with no
 * command, variable or end of a statement. The server parses it only when it runs, and then refuses to begin,
 * end or prepare a transaction, and a COPY from or to the client.
 * The quotes are random and chosen after the text was written: no text can contain them. The line break keeps
 * a character that is cut short at the end of the text from swallowing the quote.
 */
export function wrapping(): Wrapping {
  const mark = randomBytes(16).toString('hex')
  return {
    head: Buffer.from(`DO $a${mark}$BEGIN EXECUTE $b${mark}$`),
    tail: Buffer.from(`\n  $b${mark}$; END$a${mark}$;\n`),
  }
}

/** The same for a whole piece of SQL. */
export function executed(sql: string): string {
  const { head, tail } = wrapping()
  return `${head}${sql}${tail}`
}
