import { BackupError, type Hint, hint, option } from '@telegram-backup/errors'
import {
  asBytes,
  asText,
  NAME,
  quoted,
  type RelationName,
  shown,
  unquoted,
} from '#postgres/restore/selection/dump-names.ts'
import type { DatabasePart } from '#restoring.ts'

/** A part of a database, its names read; see {@link DatabasePart}. */
export interface WantedPart {
  /** Names as bytes in Latin-1, as they stand in a dump in UTF-8. */
  tables: readonly RelationName[]
  as: RelationName | undefined
  schemas: readonly string[]
  only: 'definitions' | 'rows' | undefined
  skipForeignKeys: boolean
}

const IDENTIFIER = String.raw`(?:[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*|"(?:[^"]|"")+")`
const ONE_NAME = new RegExp(`^${IDENTIFIER}$`)
const TWO_NAMES = new RegExp(`^(${IDENTIFIER})\\.(${IDENTIFIER})$`)
const PLAIN = new RegExp(`^${NAME}$`)

/** Reads the names as PostgreSQL reads them. Throws `USAGE`. */
export function readWantedPart(part: DatabasePart): WantedPart {
  const { tables, as, schemas, only, skipForeignKeys } = part
  if (tables.length > 0 && schemas.length > 0)
    throw usage('Tables and schemas cannot be restored in one run', 'Make two restores.')
  if (as !== undefined && tables.length !== 1)
    throw usage('Only one table can get another name', hint`Give ${option('table')} once.`)
  if (as !== undefined && only === 'rows')
    throw usage(
      'Rows alone go into the table of the same name',
      hint`Leave out ${option('as')}, or ${option('data-only')}.`,
    )
  if (only === 'rows' && skipForeignKeys)
    throw usage('Rows alone bring no foreign keys', hint`Leave out ${option('skip-foreign-keys')}.`)
  return {
    tables: tables.map(readTable),
    as: as === undefined ? undefined : readTable(as),
    schemas: schemas.map(readSchema),
    only,
    skipForeignKeys,
  }
}

function readTable(text: string): RelationName {
  const [, schema, name] = TWO_NAMES.exec(asBytes(text)) ?? []
  if (schema !== undefined && name !== undefined) return { schema: folded(schema), name: folded(name) }
  throw usage(
    `${JSON.stringify(text.slice(0, 140))} does not name a table with its schema`,
    `Write SCHEMA.TABLE, for example ${ONE_NAME.test(asBytes(text)) ? `public.${text}` : 'public.customer'}; names with capitals or other characters stand in double quotes: 'public."Order"'.`,
  )
}

function readSchema(text: string): string {
  if (ONE_NAME.test(asBytes(text))) return folded(asBytes(text))
  throw usage(
    `${JSON.stringify(text.slice(0, 140))} does not name a schema`,
    `Write its name alone; a name with capitals or other characters stands in double quotes: '"Sales"'.`,
  )
}

/** PostgreSQL reads a name without quotes in lower case. */
function folded(name: string): string {
  return name.startsWith('"') ? unquoted(name) : name.replace(/[A-Z]/g, letter => letter.toLowerCase())
}

/** For people: `table sales.customer as sales.customer_restored`. */
export function describePart({ tables, as, schemas, only, skipForeignKeys }: WantedPart): string {
  const named = [
    ...tables.map(table => `table ${typed(table)}`),
    ...schemas.map(name => `schema ${asText(name)}`),
  ]
  const what = named.length === 0 ? 'everything' : named.join(', ')
  return [
    what,
    ...(as === undefined ? [] : [`as ${typed(as)}`]),
    ...(only === undefined ? [] : [only === 'rows' ? '(rows only)' : '(without rows)']),
    ...(skipForeignKeys ? ['(without foreign keys)'] : []),
  ].join(' ')
}

/** A name for people, as they have to type it. */
export function typed(relation: RelationName): string {
  const { schema, name } = relation
  const isPlain = [schema, name].every(part => PLAIN.test(part) && !part.startsWith('"'))
  return isPlain ? shown(relation) : shown({ schema: asTyped(schema), name: asTyped(name) })
}

function asTyped(name: string): string {
  return PLAIN.test(name) && !name.startsWith('"') ? name : quoted(name)
}

function usage(message: string, advice: string | Hint): BackupError {
  return new BackupError(message, { code: 'USAGE', hint: advice })
}
