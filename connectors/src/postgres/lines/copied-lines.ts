import { BackupError } from '@telegram-backup/errors'
import type { PostgresConnection } from '#postgres/connection.ts'
import type { DumpText } from '#postgres/lines/dump-text.ts'
import { type LineSum, LineSums } from '#postgres/lines/line-sums.ts'
import { failureOf } from '#postgres/psql.ts'
import { beginning, quoteText } from '#postgres/sql-text.ts'
import { FilterProgram } from '#programs/piped-program.ts'

/**
 * The statement that copies a table as pg_dump does, made by the server: psql sees no name. A table that
 * others inherit from gives only its own rows; a partitioned one those of its partitions.
 */
const copyOf = (oid: number): string => `
select pg_catalog.format(case c.relkind when 'p' then 'copy (select %3$s from %1$I.%2$I) to stdout' else 'copy %1$I.%2$I (%3$s) to stdout' end,
  n.nspname, c.relname, columns)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral (
  select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum) as columns
  from pg_catalog.pg_attribute a
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    and coalesce(pg_catalog.to_jsonb(a)->>'attgenerated', '') = '') of_table
where c.oid = ${oid} and c.relkind in ('r', 'p') \\gexec
`

/** Behind each table: no line of a COPY begins so. */
const MARK = '\\.'
const MARKS = Buffer.from(`\n${MARK}`)

/**
 * Sums up the lines of tables, as pg_dump would write them; undefined for one that the server refuses. Reads
 * all of them, in order. Throws what `queryJson` throws.
 */
export async function* sumCopied(
  connection: PostgresConnection,
  oids: readonly number[],
  of: { text: DumpText; psql: string; signal: AbortSignal },
): AsyncGenerator<LineSum | undefined> {
  const { text, psql, signal } = of
  const settings = {
    timezone: text.timeZone,
    bytea_output: text.byteaOutput,
    datestyle: 'ISO',
    intervalstyle: 'postgres',
    extra_float_digits: '3',
    row_security: 'off',
    statement_timeout: '0',
  }
  const script = [
    ...beginning('isolation level repeatable read read only'),
    ...Object.entries(settings).map(
      ([name, value]) => `select pg_catalog.set_config('${name}', ${quoteText(value)}, true);`,
    ),
    '\\set ON_ERROR_ROLLBACK on',
    ...[undefined, ...oids].map(oid => `${oid === undefined ? '' : copyOf(oid)}\\echo '\\${MARK}' :ERROR`),
    'rollback;\n',
  ].join('\n')
  const program = new FilterProgram(psql, ['-X', '-q', '-A', '-t', '-w', '-d', connection.uri], {
    environment: { ...connection.environment, PGCLIENTENCODING: text.encoding },
  })
  const kill = (): void => void program.kill()
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  const lines = new MarkedLines()
  let ended = 0
  try {
    for await (const chunk of program.pass([Buffer.from(script)])) {
      for (const sum of lines.push(chunk)) {
        // Before the first mark, the settings gave lines of their own.
        if (ended > 0) yield sum
        ended++
      }
    }
  } finally {
    signal.removeEventListener('abort', kill)
  }
  const { words } = await program.ended
  if (signal.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
  if (ended !== oids.length + 1) throw failureOf(words, connection)
}

/** Cuts psql's output at the marks. */
class MarkedLines {
  readonly #sums = new LineSums()
  /** Bytes that may begin a mark; the output begins as behind a line. */
  #rest: Buffer = Buffer.alloc(0)
  #isAtLineStart = true

  /** The sums of the tables that this chunk ends; undefined for an error. */
  push(chunk: Buffer): Array<LineSum | undefined> {
    const found: Array<LineSum | undefined> = []
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (let mark = this.#markIn(bytes); mark >= 0; mark = this.#markIn(bytes)) {
      const end = bytes.indexOf('\n', mark)
      if (end < 0) break
      this.#sums.update(bytes.subarray(0, mark))
      const sum = this.#sums.take()
      found.push(bytes.toString('latin1', mark, end) === `${MARK} false` ? sum : undefined)
      bytes = bytes.subarray(end + 1)
      this.#isAtLineStart = true
    }
    this.#keep(bytes)
    return found
  }

  /** Where a mark begins; -1 without one. */
  #markIn(bytes: Buffer): number {
    if (this.#isAtLineStart && bytes.subarray(0, MARK.length).equals(MARKS.subarray(1))) return 0
    const found = bytes.indexOf(MARKS)
    return found < 0 ? -1 : found + 1
  }

  /** Hashes all but what may be the beginning of a mark, or one whose line is incomplete. */
  #keep(bytes: Buffer): void {
    const mark = this.#markIn(bytes)
    const begun = mark >= 0 ? bytes.length - mark : this.#begunBytes(bytes)
    const end = bytes.length - begun
    this.#sums.update(bytes.subarray(0, end))
    if (end > 0) this.#isAtLineStart = bytes[end - 1] === MARKS[0]
    this.#rest = Buffer.from(bytes.subarray(end))
  }

  /** Up to the last line feed, where fewer bytes than a mark's follow it. */
  #begunBytes(bytes: Buffer): number {
    if (this.#isAtLineStart && bytes.length < MARK.length) return bytes.length
    return bytes.at(-1) === MARKS[1] && bytes.at(-2) === MARKS[0] ? 1 : 0
  }
}
