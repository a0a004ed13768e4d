import { keyOf, type RelationName, renamedWith } from '#postgres/restore/selection/dump-names.ts'
import type { RelationStatement } from '#postgres/restore/selection/relation-statement.ts'

/** The tables of a dump and how they belong together, as far as its definitions were read. */
export class TableFamily {
  /** All tables, views and sequences by their key. */
  readonly relations: Map<string, RelationName> = new Map()
  readonly #partitions = new Map<string, RelationName[]>()
  readonly #parents = new Map<string, RelationName>()
  readonly #sequences = new Map<string, RelationName[]>()

  read({ does, about, other }: RelationStatement): void {
    if (does === 'create table' || does === 'create view' || does === 'create sequence')
      this.relations.set(keyOf(about), about)
    if (other === undefined) return
    if (does === 'attach partition') {
      addTo(this.#partitions, about, other)
      this.#parents.set(keyOf(other), about)
    }
    if (does === 'own sequence') addTo(this.#sequences, other, about)
    if (does === 'add identity') {
      addTo(this.#sequences, about, other)
      this.relations.set(keyOf(other), other)
    }
  }

  parentOf(relation: RelationName): RelationName | undefined {
    return this.#parents.get(keyOf(relation))
  }

  /** The tables with all of their partitions and of the sequences that belong to them. */
  withMembers(tables: readonly RelationName[]): RelationName[] {
    const all = new Map<string, RelationName>()
    const waiting = [...tables]
    for (let table = waiting.pop(); table !== undefined; table = waiting.pop()) {
      const key = keyOf(table)
      if (all.has(key)) continue
      all.set(key, table)
      waiting.push(...(this.#partitions.get(key) ?? []), ...(this.#sequences.get(key) ?? []))
    }
    return [...all.values()]
  }
}

function addTo(map: Map<string, RelationName[]>, key: RelationName, value: RelationName): void {
  const values = map.get(keyOf(key))
  if (values === undefined) map.set(keyOf(key), [value])
  else values.push(value)
}

/** A table that comes back under another name; what belongs to it then gets names like that one. */
export interface Renaming {
  from: RelationName
  to: RelationName
}

export function newName(relation: RelationName, renaming: Renaming | undefined): RelationName {
  if (renaming === undefined) return relation
  const { from, to } = renaming
  if (keyOf(relation) === keyOf(from)) return to
  return { schema: to.schema, name: renamedWith(relation.name, { from: from.name, to: to.name }) }
}

/** The names that resemble a name most, by their letters. */
export function closeNames(
  { schema, name }: RelationName,
  known: Iterable<RelationName>,
  most: number,
): RelationName[] {
  return [...known]
    .map(relation => ({
      relation,
      likeness: likeness(name, relation.name) + (relation.schema === schema ? 0.1 : 0),
    }))
    .filter(({ likeness }) => likeness > 0.5)
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, most)
    .map(({ relation }) => relation)
}

/** How many of their pairs of letters two texts share, from 0 to 1. */
function likeness(a: string, b: string): number {
  const pairsOfA = pairsOf(a)
  const pairsOfB = pairsOf(b)
  const shared = [...pairsOfA].filter(pair => pairsOfB.has(pair)).length
  return (2 * shared) / Math.max(1, pairsOfA.size + pairsOfB.size)
}

function pairsOf(text: string): Set<string> {
  return new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2)))
}
