/** Leaves no schema in the search path, until the transaction ends. Prints an empty line in psql. */
export const EMPTY_SEARCH_PATH = `select pg_catalog.set_config('search_path', '', true)`

/**
 * The statements with which every transaction of ours begins, in the databases of others: with no schema of theirs in the search path, so that no
 * function, operator, type or table of theirs stands in for one of PostgreSQL's. It holds for this transaction alone: a setting of the session
 * would stay in a pooler's connection, and break what an application asks next. Prints an empty line in psql.
 * @param mode for example `read only`
 */
export function beginning(mode = ''): string[] {
  return [`begin ${mode};`, `${EMPTY_SEARCH_PATH};`]
}
