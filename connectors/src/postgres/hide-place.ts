import { rewordError } from '@telegram-backup/errors'
import { asWord, type PostgresConnection } from '#postgres/connection.ts'

/** Parts of a connection that psql and servers quote. */
const QUOTED_PLACE = /\b(server at|on socket|host|host name|address|user|to address) "[^"]*"(?: \([^)]*\))?/g
/** For a source, a named role is our user; for a target, it may be one that the backup needs. */
const QUOTED_ROLE = /\brole "[^"]*"/g
const PORT = /, port \d+\b/g
export const HIDDEN_NAME = '…'

interface NamedPlace {
  name: string
  connection: PostgresConnection
}

/**
 * A restore's failure for readers of jobs: with the target's name in telegram-backup.yaml instead of host,
 * address, user and database. An error that is not ours comes back as it is: only the log gets it.
 */
export function namingTarget(error: unknown, { name, connection }: NamedPlace): unknown {
  const { display } = connection
  const user = display.includes('@') ? display.slice(0, display.lastIndexOf('@')) : ''
  return naming(error, { name, connection, place: `target ${name}`, hidden: [user], hide: text => text })
}

/** The same for a source. The user is found by the word before it, since its name may be any word. */
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
  const { database, display, host } = of.connection
  const named = (text: string): string =>
    [
      // Longest first: each may contain the next.
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
  return rewordError(error, named)
}

/** Matches the database's name, but not the longer names of staging databases. */
function databaseNamed(database: string | undefined): RegExp {
  // Without one in the URL, libpq uses the user's name.
  if (database === undefined) return /\b([Tt]he )?database "[^"]*"/g
  const names = [database, database.toLowerCase()].map(RegExp.escape)
  const name = `(?:${names.join('|')})(?![\\p{L}\\p{N}_])`
  return new RegExp(`\\b([Tt]he )?database (?:"${name}"|${name}(?!"))`, 'gu')
}
