import { BackupError, describeError, hasOwnWords } from '@telegram-backup/errors'
import { asWord, type PostgresConnection } from '#postgres/connection.ts'

/** What psql and servers quote of a connection. */
const QUOTED_PLACE = /\b(server at|on socket|host|host name|address|user|to address) "[^"]*"(?: \([^)]*\))?/g
/** Of a source, a role that is named is who asks; of a target, it may be one that the backup needs. */
const QUOTED_ROLE = /\brole "[^"]*"/g
const PORT = /, port \d+\b/g
/** What stands instead of a name that is not told. */
export const HIDDEN_NAME = '…'

interface NamedPlace {
  name: string
  connection: PostgresConnection
}

/**
 * The failure of a restore as it may be told to whoever may read jobs: the target by its name in telegram-backup.yaml, and neither host,
 * address, user nor database behind it. An error with words of others comes back as it is: those are told to the log alone.
 */
export function namingTarget(error: unknown, { name, connection }: NamedPlace): unknown {
  const { display } = connection
  const user = display.includes('@') ? display.slice(0, display.lastIndexOf('@')) : ''
  return naming(error, { name, connection, place: `target ${name}`, hidden: [user], hide: text => text })
}

/**
 * The same for the failure of a backup and the source behind it. Its user is known by what stands before it: a name such as `nobody` is a
 * word of sentences as well.
 */
export function namingSource(error: unknown, { name, connection }: NamedPlace): unknown {
  return naming(error, {
    name,
    connection,
    place: `source ${name}`,
    hidden: [],
    hide: text => text.replace(QUOTED_ROLE, `role "${HIDDEN_NAME}"`),
  })
}

function naming(
  error: unknown,
  of: NamedPlace & { place: string; hidden: readonly string[]; hide: (text: string) => string },
): unknown {
  if (!hasOwnWords(error)) return error
  const { database, display, host } = of.connection
  const named = (text: string): string =>
    [
      // The longest first: each may hold the next.
      [display, of.place],
      ...[database ?? '', database?.toLowerCase() ?? ''].map(text => [text, of.name]),
      ...[...host.split(','), host, ...of.hidden].map(text => [text, HIDDEN_NAME]),
    ].reduce(
      (rest, [place = '', instead = '']) =>
        place === '' ? rest : rest.replace(asWord(place), () => instead),
      of
        .hide(text)
        .replace(databaseNamed(database), (_, article = 'the ') => `${article}database of ${of.place}`)
        .replace(QUOTED_PLACE, `$1 "${HIDDEN_NAME}"`)
        .replace(PORT, ''),
    )
  const { code, message, hint } = describeError(error)
  const advice = error instanceof BackupError ? error.advice : undefined
  return new BackupError(named(message), {
    code,
    hint: advice?.map(named) ?? (hint && named(hint)),
    cause: error,
  })
}

/**
 * Where words speak of the database itself, by its name: no database has the name of a target or a source. What lies beside it, whose name is
 * longer, is named after those.
 */
function databaseNamed(database: string | undefined): RegExp {
  // Without one in the URL, libpq asks for one that has the user's name.
  if (database === undefined) return /\b([Tt]he )?database "[^"]*"/g
  const names = [database, database.toLowerCase()].map(RegExp.escape)
  const name = `(?:${names.join('|')})(?![\\p{L}\\p{N}_])`
  return new RegExp(`\\b([Tt]he )?database (?:"${name}"|${name}(?!"))`, 'gu')
}
