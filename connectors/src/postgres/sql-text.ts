export function quoteName(name: string): string {
  const quoted = name.replaceAll('"', '""')
  if (!/[\n\r]/.test(quoted)) return `"${quoted}"`
  const escaped = quoted.replaceAll('\\', '\\\\').replaceAll('\n', '\\000a').replaceAll('\r', '\\000d')
  return `U&"${escaped}"`
}

/** A quoted text for SQL, in one line, however the server reads backslashes. */
export function quoteText(text: string): string {
  const quoted = text.replaceAll("'", "''")
  if (!/[\\\n\r]/.test(quoted)) return `'${quoted}'`
  const escaped = quoted.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  return `E'${escaped}'`
}

/** Longest name of anything in PostgreSQL, in bytes of UTF-8 (NAMEDATALEN - 1). */
const MAX_NAME_BYTES = 63

/** A name, cut at a character to leave room for an ending. */
export function stemOf(name: string, endingBytes: number): string {
  const characters = [...name]
  while (Buffer.byteLength(characters.join('')) > MAX_NAME_BYTES - endingBytes) characters.pop()
  return characters.join('')
}

/** Leaves no schema in the search path until the transaction ends. Prints an empty line in psql. */
export const EMPTY_SEARCH_PATH = `select pg_catalog.set_config('search_path', '', true)`

/** For a long transaction: the limits of the server or of the database do not end it, as pg_dump does it. */
export const OUTLIVE_LIMITS = `set local idle_in_transaction_session_timeout = 0;
select pg_catalog.to_json(pg_catalog.set_config(name, '0', true)) from pg_catalog.pg_settings where name = 'transaction_timeout'`

/**
 * Begins a transaction in which no object of the database's owner stands in for one of PostgreSQL's. It
 * changes nothing for the session, which may be a pooler's. Prints an empty line in psql.
 * @param mode for example `read only`
 */
export function beginning(mode = ''): string[] {
  return [`begin ${mode};`, `${EMPTY_SEARCH_PATH};`]
}
