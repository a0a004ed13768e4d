import { type ContentsResult, type Difference, type Drill, difference, type NotCovered } from '#drilling.ts'
import type { PostgresConnection } from '#postgres/connection.ts'
import { sumCopied } from '#postgres/lines/copied-lines.ts'
import { columnsDigest } from '#postgres/lines/copy-lines.ts'
import { type DumpText, likeliestText, otherTexts, whyUnsure } from '#postgres/lines/dump-text.ts'
import { addSums, type LineSum, NO_LINES } from '#postgres/lines/line-sums.ts'
import {
  type DumpLines,
  LINES_REASONS,
  type LinesReason,
  type NoDumpLines,
} from '#postgres/lines/lines-record.ts'
import { type RestoredTable, readRestoredTables, readTypes } from '#postgres/lines/restored-tables.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'

export interface LinesComparison {
  contents: ContentsResult
  differences: Difference[]
  notCovered: NotCovered[]
  tables: number
  rows: number
}

interface Place {
  /** In a read-only transaction. */
  session: PsqlSession
  connection: PostgresConnection
  psql: string
  signal: AbortSignal
  onCompare: Drill['onCompare']
}

/** Tables with one sum for all: a table, or all those that the record does not name. */
interface Wanted {
  object: string
  tables: readonly RestoredTable[]
  expected: LineSum
}

/** What the program of the drill reads of them; undefined where the server refuses. */
interface Compared extends Wanted {
  found: LineSum | undefined
}

const ALL_TABLES = 'all tables'
const OTHERS = 'all other tables together'
const NOT_FOUND = 'the restored database has no such table, or it belongs to an extension'
const OTHER_COLUMNS = 'its columns came back with other names, or in another order'
const NO_COLUMNS = 'it has no columns'
const THROUGH_ROOT = 'the dump loads partitions through their root'
const REFUSED = 'the server of the drill could not read it'

/**
 * Compares the rows of a dump with those of the restored database, which is read as pg_dump reads. Rows that
 * PostgreSQL may write in another way than the dump did are never a difference, but not covered. Throws what
 * the session throws.
 */
export async function compareLines(
  recorded: DumpLines | NoDumpLines,
  place: Place,
): Promise<LinesComparison> {
  if ('reason' in recorded) {
    const notCovered = [{ table: ALL_TABLES, reason: wordsFor(recorded.reason) }]
    return { contents: 'not compared', differences: [], notCovered, tables: 0, rows: 0 }
  }
  const restored = await readRestoredTables(place.session)
  const { wanted, notCovered } = choose(recorded, restored)
  const differences: Difference[] = []
  let tables = 0
  let rows = 0
  for (const compared of await readAll(wanted, recorded, place)) {
    const verdict = await judge(compared, recorded, place)
    if ('reason' in verdict) {
      notCovered.push({ table: compared.object, reason: verdict.reason })
      continue
    }
    differences.push(...verdict.differences)
    tables += compared.tables.length
    rows += compared.expected.lines
  }
  const isAny = wanted.length === 0 ? notCovered.length === 0 : tables > 0
  const equal = notCovered.length > 0 ? 'equal in part' : 'equal'
  const contents = differences.length > 0 ? 'different' : isAny ? equal : 'not compared'
  return { contents, differences, notCovered, tables, rows }
}

function wordsFor(reason: LinesReason): string {
  return Object.hasOwn(LINES_REASONS, reason) ? LINES_REASONS[reason] : reason
}

/** Which tables can be compared. */
function choose(
  recorded: DumpLines,
  restored: readonly RestoredTable[],
): { wanted: Wanted[]; notCovered: NotCovered[] } {
  const notCovered = recorded.left_out.map(([schema, table, reason]) => ({
    table: shown(schema, table),
    reason: wordsFor(reason),
  }))
  const wanted: Wanted[] = []
  const named = new Set<RestoredTable>()
  for (const [schema, name, lines, sum, columns] of recorded.tables) {
    const object = shown(schema, name)
    const table = tableOf(restored, schema, name)
    if (table !== undefined) named.add(table)
    const reason = whyNot(table, columns)
    if (table === undefined || reason !== undefined)
      notCovered.push({ table: object, reason: reason ?? NOT_FOUND })
    else wanted.push({ object, tables: [table], expected: { lines, sum: BigInt(`0x${sum}`) } })
  }
  const { others } = recorded
  if (others !== undefined && [...named].some(({ isRoot }) => isRoot))
    notCovered.push({ table: OTHERS, reason: THROUGH_ROOT })
  else if (others !== undefined) {
    const tables = restored.filter(table => !named.has(table) && !table.isRoot && table.columns.length > 0)
    const expected = { lines: others.rows, sum: BigInt(`0x${others.sum}`) }
    wanted.push({ object: OTHERS, tables, expected })
  }
  return { wanted, notCovered }
}

function shown(schema: string | null, name: string): string {
  return schema === null ? name : `${schema}.${name}`
}

/** Without a schema, the only table of that name. */
function tableOf(
  restored: readonly RestoredTable[],
  schema: string | null,
  name: string,
): RestoredTable | undefined {
  const [found, another] = restored.filter(
    one => one.name === name && (schema === null || one.schema === schema),
  )
  return another === undefined ? found : undefined
}

function whyNot(table: RestoredTable | undefined, columns: string): string | undefined {
  if (table === undefined) return NOT_FOUND
  if (columnsDigest(table.columns) !== columns) return OTHER_COLUMNS
  return table.columns.length === 0 ? NO_COLUMNS : undefined
}

/** Each in the way that is likeliest, by one program. */
async function readAll(wanted: readonly Wanted[], recorded: DumpLines, place: Place): Promise<Compared[]> {
  const sums = sumsOf(
    wanted.flatMap(({ tables }) => tables),
    likeliestText(recorded),
    place,
  )
  const compared: Compared[] = []
  for (const [done, one] of wanted.entries()) {
    place.onCompare?.({ done, of: wanted.length, object: one.object })
    compared.push({ ...one, found: await added(sums, one.tables.length) })
  }
  await sums.return(undefined)
  return compared
}

function sumsOf(
  tables: readonly RestoredTable[],
  text: DumpText,
  { connection, psql, signal }: Place,
): AsyncGenerator<LineSum | undefined> {
  const oids = tables.map(({ oid }) => oid)
  return sumCopied(connection, oids, { text, psql, signal })
}

/** The sum of the next tables; undefined if one of them could not be read. */
async function added(
  sums: AsyncGenerator<LineSum | undefined>,
  tables: number,
): Promise<LineSum | undefined> {
  let total: LineSum | undefined = NO_LINES
  for (let at = 0; at < tables; at++) {
    const next = await sums.next()
    const sum = next.done === true ? undefined : next.value
    total = total === undefined || sum === undefined ? undefined : addSums(total, sum)
  }
  return total
}

async function judge(
  { object, tables, expected, found }: Compared,
  recorded: DumpLines,
  place: Place,
): Promise<{ differences: Difference[] } | { reason: string }> {
  if (found === undefined) return { reason: REFUSED }
  if (isSame(found, expected)) return { differences: [] }
  if (found.lines === expected.lines) {
    const types = new Set<string>()
    for (const table of tables) for (const type of await readTypes(place.session, table)) types.add(type)
    for (const text of otherTexts(recorded, types)) {
      const sum = await added(sumsOf(tables, text, place), tables.length)
      if (sum !== undefined && isSame(sum, expected)) return { differences: [] }
    }
    const reason = whyUnsure(recorded, types, await majorOf(place.session))
    if (reason !== undefined) return { reason }
  }
  return { differences: [differenceIn(object, expected, found)] }
}

async function majorOf(session: PsqlSession): Promise<number> {
  const version = await session.ask(
    `select pg_catalog.to_json(pg_catalog.current_setting('server_version_num')::pg_catalog.int4)`,
  )
  return Math.floor(Number(version) / 10_000)
}

function isSame(one: LineSum, other: LineSum): boolean {
  return one.lines === other.lines && one.sum === other.sum
}

function differenceIn(object: string, { lines: expected }: LineSum, { lines: found }: LineSum): Difference {
  const words = (rows: number): string => (rows === 1 ? '1 row' : `${rows} rows`)
  if (found !== expected) {
    const told = difference('table', object, words(expected), { found: words(found) })
    return {
      ...told,
      change: found < expected ? 'fewer' : 'more',
      reason: `table ${object}: ${words(expected)} in the dump, ${words(found)} restored`,
    }
  }
  return {
    ...{ kind: 'table', object, change: 'changed', expected: words(expected) },
    found: `${words(found)}, some of them differ`,
    reason: `table ${object}: ${words(expected)} as in the dump, but some of them differ`,
  }
}
