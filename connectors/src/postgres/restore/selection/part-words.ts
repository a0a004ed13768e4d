import { BackupError, describeError, type Hint, hint, option, run } from '@telegram-backup/errors'

/** Why PostgreSQL refused a part, and what to do. */
const HINTS: ReadonlyArray<[RegExp, Hint]> = [
  [
    /violates foreign key constraint/,
    hint`The rows refer to rows that the database lacks. Restore the other table as well, or give ${option('skip-foreign-keys')}.`,
  ],
  [
    /relation "[^"]*" does not exist/,
    hint`What is restored needs it, and the database lacks it. Restore it in the same run: ${option('table', 'SCHEMA.TABLE')}. If only a foreign key needs it, ${option('skip-foreign-keys')} is enough.`,
  ],
  [
    /(type|function|procedure|operator|collation|operator class|schema|text search \w+|access method|server|aggregate) .* does not exist|unrecognized .* parameter/,
    hint`What is restored needs it, and the database lacks it. Create it there first; "${run('restore', 'ID', { to: 'URL', 'schema-only': true })}" into a new database shows how it was.`,
  ],
  [
    /role "[^"]*" does not exist/,
    hint`Create the role first, or give ${option('no-owner')} and ${option('no-acl')}.`,
  ],
  [
    /already exists/,
    hint`Nothing that exists is changed. Rename or drop it first, or give the table another name: ${option('as', 'SCHEMA.TABLE')}.`,
  ],
  [
    /is not empty/,
    hint`Rows alone go into empty tables: TRUNCATE it first. Or restore the table beside it with ${option('as', 'SCHEMA.TABLE')}, and move the rows by INSERT … SELECT.`,
  ],
  [
    /still refers to|missing FROM-clause entry/,
    hint`A part of the table names another one, or the table itself, in an expression: under another name it would be wrong. Restore the table under its own name into another database.`,
  ],
]

/** An error of a restore in the words for a part; another error as it is. */
export function inWordsOfPart(error: unknown): unknown {
  const { code, message } = describeError(error)
  if (code !== 'POSTGRES') return error
  const found = HINTS.find(([pattern]) => pattern.test(message))?.[1]
  if (found === undefined) return error
  return new BackupError(message, { code: 'POSTGRES', hint: found, cause: error })
}
