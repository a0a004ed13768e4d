import { keyOf, quoted, type RelationName, sqlOf } from '#postgres/restore/selection/dump-names.ts'
import type { RelationStatement, Span } from '#postgres/restore/selection/relation-statement.ts'
import { quoteText } from '#postgres/sql-text.ts'

/** New names of what comes back under another name. */
export interface NewNames {
  /** Of tables, views, sequences and indexes, by {@link keyOf}. */
  relations: ReadonlyMap<string, RelationName>
  /** Of extended statistics, which have names of their own. */
  statistics: ReadonlyMap<string, RelationName>
}

const ABOUT_STATISTICS = /^(?:CREATE|ALTER|COMMENT ON) STATISTICS /

/** The name that a relation has when it came back; undefined when it is not selected. */
export function newNameOf(
  names: NewNames,
  { text, about }: { text: string; about: RelationName },
): RelationName | undefined {
  const those = ABOUT_STATISTICS.test(text) ? names.statistics : names.relations
  return those.get(keyOf(about))
}

/**
 * The statement with the new names of what it is about. What it only mentions, such as the table of a foreign
 * key, keeps its name, unless it comes back as well. `key`: the new name of the key that it is about.
 */
export function renamed(
  text: string,
  statement: RelationStatement,
  names: NewNames,
  object: string | undefined,
): string {
  const { about, aboutAt, other, otherAt, objectAt, isConstant } = statement
  const [of, others] = [newNameOf(names, { text, about }), other && names.relations.get(keyOf(other))]
  const isConstantAbout = isConstant && other === undefined
  const changes: Array<[Span, string]> = []
  if (of !== undefined) changes.push([aboutAt, isConstantAbout ? constantOf(of) : sqlOf(of)])
  if (others !== undefined && otherAt !== undefined)
    changes.push([otherAt, isConstant ? constantOf(others) : sqlOf(others)])
  if (object !== undefined && objectAt !== undefined) changes.push([objectAt, quoted(object)])
  return changes
    .sort(([a], [b]) => b[0] - a[0])
    .reduce((rest, [[from, to], instead]) => `${rest.slice(0, from)}${instead}${rest.slice(to)}`, text)
}

/** As a string constant. A blank keeps its E apart from a word before it. */
function constantOf(name: RelationName): string {
  return quoteText(sqlOf(name)).replace(/^E/, ' E')
}
