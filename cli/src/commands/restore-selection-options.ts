import type { DatabasePart } from '@telegram-backup/engine/restore/ask-for-plan.ts'
import { usageError } from '#commands/command.ts'

/** The options of `restore` that choose a part of a database. */
export const SELECTION_OPTIONS: Readonly<Record<string, string>> = {
  '--table <schema.table...>':
    'restore only this table, with all that belongs to it, into a database that exists (repeatable)',
  '--as <schema.table>': 'give that table another name, so that it stands beside the one that exists',
  '--schema <schema...>': 'restore only this schema, into a database that exists (repeatable)',
  '--schema-only': 'restore definitions without rows; alone, into a new or an empty database',
  '--data-only': 'restore only rows, into empty tables that exist',
  '--skip-foreign-keys': 'with --table or --schema: leave out their foreign keys',
}

export interface SelectionOptions {
  table?: string[]
  as?: string
  schema?: string[]
  schemaOnly?: boolean
  dataOnly?: boolean
  skipForeignKeys?: boolean
}

/** The part that the options choose; undefined for all of the database. Throws `USAGE`. */
export function readDatabasePart(options: SelectionOptions): DatabasePart | undefined {
  const { table: tables = [], as, schema: schemas = [], schemaOnly, dataOnly, skipForeignKeys } = options
  if (schemaOnly && dataOnly)
    throw usageError('--schema-only and --data-only cannot be combined', 'Give one of them.')
  if (as !== undefined && tables.length === 0)
    throw usageError('--as names no table of the backup', 'Give --table SCHEMA.TABLE too.')
  const isChosen = tables.length > 0 || schemas.length > 0 || schemaOnly || dataOnly
  if (!isChosen && skipForeignKeys)
    throw usageError('--skip-foreign-keys is only for a part of a database', 'Give --table or --schema too.')
  if (!isChosen) return undefined
  return {
    ...{ tables, as, schemas, skipForeignKeys: skipForeignKeys === true },
    only: schemaOnly ? 'definitions' : dataOnly ? 'rows' : undefined,
  }
}
