import { DumpFilter } from '#postgres/restore/selection/dump-filter.ts'
import type { BroughtBack, DumpSelection } from '#postgres/restore/selection/dump-selection.ts'
import { SchemaSelection } from '#postgres/restore/selection/schema-selection.ts'
import { TableSelection } from '#postgres/restore/selection/table-selection.ts'
import { readWantedPart } from '#postgres/restore/selection/wanted-part.ts'
import type { DatabasePart } from '#restoring.ts'

type Selection = DumpSelection & { broughtBack: BroughtBack }

export function selectionOf(part: Partial<DatabasePart>): Selection {
  const wanted = readWantedPart({ tables: [], schemas: [], skipForeignKeys: false, ...part })
  return wanted.tables.length > 0 ? new TableSelection(wanted) : new SchemaSelection(wanted, [])
}

/** What is selected of a dump that comes in pieces cut at these places. */
export function select(dump: string, selection: DumpSelection, cuts: readonly number[] = []): string {
  const bytes = Buffer.from(dump)
  const filter = new DumpFilter(selection, new Set())
  const out: Buffer[] = []
  let from = 0
  for (const end of [...cuts.map(cut => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
    out.push(...filter.push(bytes.subarray(from, end)).map(piece => Buffer.from(piece)))
    from = end
  }
  out.push(...filter.finish())
  return Buffer.concat(out)
    .toString()
    .replace(/^DO LANGUAGE plpgsql (\$r\w+\$)[\s\S]*?\1;\n/gm, '')
}

export const entry = (name: string, type: string, body: string, schema = 'sales'): string =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: owner\n--\n\n${body}\n\n\n`
export const data = (name: string, table: string, rows: string, schema = 'sales'): string =>
  `--\n-- Data for Name: ${name}; Type: TABLE DATA; Schema: ${schema}; Owner: owner\n--\n\nCOPY ${table} FROM stdin;\n${rows}\\.\n\n\n`
