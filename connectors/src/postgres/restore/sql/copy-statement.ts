/** A name of a table or column as pg_dump writes it: plain in ASCII, else in quotes. */
const NAME = `(?:[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"]|"")+")`
const COPY_FROM_STDIN = new RegExp(
  String.raw`^copy\s+(${NAME}(?:\.${NAME})?)\s*(?:\(\s*(${NAME}(?:\s*,\s*${NAME})*)\s*\)\s*|\s)from\s+stdin\s*;`,
  'i',
)
const EACH_NAME = new RegExp(NAME, 'g')

/** Encodings in which the second byte of a character may be ASCII. */
const CLIENT_ONLY_ENCODINGS = 'BIG5,GB18030,GBK,JOHAB,SHIFT_JIS_2004,SJIS,UHC'

/** More than any table with 1,600 columns needs. */
export const LONGEST_COPY_BYTES: number = 512 * 1024
const USUAL_COPY_BYTES = 2048

export interface CopyStatement {
  /** Its bytes in the dump, semicolon included. */
  length: number
  /** What psql gets instead, line end included. */
  sql: Buffer
  /** Table, with the schema, and columns, as the dump has them, in Latin-1. */
  table: string
  columns: string | undefined
}

/**
 * Parses the COPY at `at` and writes it anew, if it has the one form of pg_dump: a table, its columns if any,
 * no options. Undefined for another form, or if more bytes are needed.
 */
export function readCopyStatement(bytes: Buffer, at: number): CopyStatement | undefined {
  const match =
    COPY_FROM_STDIN.exec(bytes.toString('latin1', at, at + USUAL_COPY_BYTES)) ??
    COPY_FROM_STDIN.exec(bytes.toString('latin1', at, at + LONGEST_COPY_BYTES))
  const [whole, table, columns] = match ?? []
  if (whole === undefined || table === undefined) return undefined
  const list = columns === undefined ? '' : ` (${requoted(columns, ', ')})`
  const copy = `COPY ${requoted(table, '.')}${list} FROM stdin;\n`
  const sql = /[\x80-\xff]/.test(copy) ? SAFE_ENCODING + copy : copy
  return { length: whole.length, sql: Buffer.from(sql, 'latin1'), table, columns }
}

/** There, a cut character at the end of a name would swallow its quote, for psql alone. */
const SAFE_ENCODING = `DO LANGUAGE plpgsql $$BEGIN
IF pg_catalog.current_setting('client_encoding') OPERATOR(pg_catalog.=)
  ANY ('{${CLIENT_ONLY_ENCODINGS}}'::pg_catalog.text[]) THEN
  RAISE EXCEPTION 'names that are not ASCII cannot be restored from a dump in the encoding %',
    pg_catalog.current_setting('client_encoding');
END IF; END$$;
`

/** Quotes each name; PostgreSQL reads an unquoted one in lower case. */
function requoted(names: string, separator: string): string {
  const each = names.match(EACH_NAME) ?? []
  return each.map(name => (name.startsWith('"') ? name : `"${name.toLowerCase()}"`)).join(separator)
}
