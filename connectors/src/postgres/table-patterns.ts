import type { OwnRelation } from '#postgres/database-contents.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'

type Named = Pick<OwnRelation, 'schema' | 'name' | 'isVisible'>

/** What pg_dump dumps of a database, read as pg_dump reads patterns. */
export interface DumpedRelations {
  isDumped(relation: Named): boolean
  /** Whether its rows, or a sequence's value, are dumped. */
  isDumpedWithData(relation: Named): boolean
}

/** Undefined for a pattern that PostgreSQL might read differently. */
export function readSelection(options: PgDumpOptions): DumpedRelations | undefined {
  const schemas = readAll(options.schemas, namePattern)
  const excludeSchemas = readAll(options.excludeSchemas, namePattern)
  const tables = readAll(options.tables, tablePattern)
  const excludeTables = readAll(options.excludeTables, tablePattern)
  const excludeData = readAll(options.excludeTableData, tablePattern)
  if (!schemas || !excludeSchemas || !tables || !excludeTables || !excludeData) return undefined
  const isDumped = (relation: Named): boolean => {
    const { schema } = relation
    // As in pg_dump, selected tables are dumped whatever the schemas.
    const isIn =
      tables.length > 0
        ? tables.some(matches => matches(relation))
        : (schemas.length === 0 || schemas.some(pattern => pattern.test(schema))) &&
          !excludeSchemas.some(pattern => pattern.test(schema))
    return isIn && !excludeTables.some(matches => matches(relation))
  }
  return {
    isDumped,
    isDumpedWithData: relation => isDumped(relation) && !excludeData.some(matches => matches(relation)),
  }
}

type Matches = (relation: Named) => boolean

function readAll<Read>(
  patterns: readonly string[],
  read: (text: string) => Read | undefined,
): Read[] | undefined {
  const all = patterns.map(read)
  return all.includes(undefined) ? undefined : (all as Read[])
}

/** A pattern for names alone; undefined as for `readSelection`. */
export function namePattern(text: string): RegExp | undefined {
  const pieces = piecesOf(text)
  return pieces?.length === 1 ? pieces[0] : undefined
}

function tablePattern(text: string): Matches | undefined {
  const pieces = piecesOf(text)
  const [first, second] = pieces ?? []
  if (first === undefined) return undefined
  if (pieces?.length === 1) return ({ name, isVisible }) => isVisible && first.test(name)
  if (pieces?.length !== 2) return undefined
  return ({ schema, name }) => first.test(schema) && second?.test(name) === true
}

/**
 * Parses a pattern of `psql`'s `\d`: lower case unless quoted, `*` and `?` as for files, a dot between schema
 * and name. Undefined for other characters of PostgreSQL's regular expressions.
 */
function piecesOf(text: string): RegExp[] | undefined {
  const pieces = ['']
  let isQuoted = false
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted
    else if (!isQuoted && character === '.') pieces.push('')
    else pieces[pieces.length - 1] += isQuoted ? literal(character) : unquoted(character)
  }
  if (isQuoted || text.includes('""') || /[\\()[\]{}+|^]/.test(text)) return undefined
  return pieces.map(piece => new RegExp(`^${piece}$`, 'su'))
}

function unquoted(character: string): string {
  if (character === '*') return '.*'
  // PostgreSQL folds ASCII letters only.
  return character === '?' ? '.' : literal(/[A-Z]/.test(character) ? character.toLowerCase() : character)
}

function literal(character: string): string {
  return character.replace(/[$.*+?^(){}[\]|\\/]/, '\\$&')
}
