/** A name of a table or column as pg_dump writes it: plain in ASCII, else in quotes. */
const NAME = `(?:[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"]|"")+")`
const COPY_FROM_STDIN = new RegExp(
  String.raw`^copy\s+(${NAME}(?:\.${NAME})?)\s*(?:\(\s*(${NAME}(?:\s*,\s*${NAME})*)\s*\)\s*|\s)from\s+stdin\s*;`,
  'i',
)
const EACH_NAME = new RegExp(NAME, 'g')

/** PostgreSQL's names of the encodings in which the second byte of a character may be an ASCII one. */
const CLIENT_ONLY_ENCODINGS = 'BIG5,GB18030,GBK,JOHAB,SHIFT_JIS_2004,SJIS,UHC'

/** More than any table with 1,600 columns needs. */
export const LONGEST_COPY_BYTES: number = 512 * 1024
const USUAL_COPY_BYTES = 2048

/** A `COPY … FROM stdin` of a dump. */
export interface CopyStatement {
  /** How many bytes of the dump it has, with its semicolon. */
  length: number
  /** What psql gets instead, with the end of the line. */
  sql: Buffer
}

/**
 * Takes the COPY that begins at `at` apart and writes it anew, if it is of the only form that pg_dump writes: a table, its
 * columns if it has any, no options. Undefined when it is not, or not whole.
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
  return { length: whole.length, sql: Buffer.from(sql, 'latin1') }
}

/**
 * In these, a cut character at the end of a name would take its quote along, for psql and not for the server. In all others
 * psql looks at each byte.
 */
const SAFE_ENCODING = `DO LANGUAGE plpgsql $$BEGIN
IF pg_catalog.current_setting('client_encoding') OPERATOR(pg_catalog.=)
  ANY ('{${CLIENT_ONLY_ENCODINGS}}'::pg_catalog.text[]) THEN
  RAISE EXCEPTION 'names that are not ASCII cannot be restored from a dump in the encoding %',
    pg_catalog.current_setting('client_encoding');
END IF; END$$;
`

/** Each name in quotes; PostgreSQL reads one without them in lower case. */
function requoted(names: string, separator: string): string {
  const each = names.match(EACH_NAME) ?? []
  return each.map(name => (name.startsWith('"') ? name : `"${name.toLowerCase()}"`)).join(separator)
}
