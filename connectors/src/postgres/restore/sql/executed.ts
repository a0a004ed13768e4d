import { randomBytes } from 'node:crypto'

/** What stands before and behind a piece of SQL, in psql's input. */
export interface Wrapping {
  head: Buffer
  tail: Buffer
}

/**
 * Hands SQL to the server inside of PL/pgSQL's EXECUTE. To psql it is the inside of a dollar quote: it finds no command and no
 * variable in it, and no end of a statement. To the server it is a text that is parsed only when it runs, where
 * PostgreSQL itself refuses to begin, end or prepare a transaction, and a COPY from or to the client.
 *
 * What ends the quotes is drawn anew for each piece, after its text was written: no text can hold it. The line break keeps
 * a character that is cut short at the end of the text from taking the quote for its own second byte.
 */
export function wrapping(): Wrapping {
  const mark = randomBytes(16).toString('hex')
  return {
    head: Buffer.from(`DO $a${mark}$BEGIN EXECUTE $b${mark}$`),
    tail: Buffer.from(`\n  $b${mark}$; END$a${mark}$;\n`),
  }
}

/** The same for SQL that is at hand as a whole. */
export function executed(sql: string): string {
  const { head, tail } = wrapping()
  return `${head}${sql}${tail}`
}
