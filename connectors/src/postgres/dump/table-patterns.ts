import type { OwnRelation } from '#postgres/database-contents.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'

/** As far as a pattern can tell one from another. */
type Named = Pick<OwnRelation, 'schema' | 'name' | 'isVisible'>

/** What of a database pg_dump dumps, by its own reading of the patterns. */
export interface DumpedRelations {
  isDumped(relation: Named): boolean
  /** Whether its rows, or a sequence's value, are dumped as well. */
  isDumpedWithData(relation: Named): boolean
}

/** Undefined where a pattern is one that this reader and PostgreSQL might read differently. */
export function readSelection(options: PgDumpOptions): DumpedRelations | undefined {
  const schemas = readAll(options.schemas, schemaPattern)
  const excludeSchemas = readAll(options.excludeSchemas, schemaPattern)
  const tables = readAll(options.tables, tablePattern)
  const excludeTables = readAll(options.excludeTables, tablePattern)
  const excludeData = readAll(options.excludeTableData, tablePattern)
  if (!schemas || !excludeSchemas || !tables || !excludeTables || !excludeData) return undefined
  const isDumped = (relation: Named): boolean => {
    const { schema } = relation
    // As in pg_dump, tables that are named are dumped whatever is said of schemas.
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

function schemaPattern(text: string): RegExp | undefined {
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
 * A pattern of `psql`'s `\d`: lower case unless quoted, `*` and `?` as for files, a dot between schema and name. What else
 * means something in PostgreSQL's regular expressions is left to PostgreSQL.
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
  // As PostgreSQL folds names: ASCII alone.
  return character === '?' ? '.' : literal(/[A-Z]/.test(character) ? character.toLowerCase() : character)
}

function literal(character: string): string {
  return character.replace(/[$.*+?^(){}[\]|\\/]/, '\\$&')
}
