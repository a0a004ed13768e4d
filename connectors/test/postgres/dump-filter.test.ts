import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DumpFilter } from '#postgres/restore/selection/dump-filter.ts'
import type { BroughtBack, DumpSelection } from '#postgres/restore/selection/dump-selection.ts'
import { SchemaSelection } from '#postgres/restore/selection/schema-selection.ts'
import { TableSelection } from '#postgres/restore/selection/table-selection.ts'
import { readWantedPart } from '#postgres/restore/selection/wanted-part.ts'
import type { DatabasePart } from '#restoring.ts'
import { DUMP, entry } from '#test/postgres/sample-dump.ts'

type Selection = DumpSelection & { broughtBack: BroughtBack }

function selectionOf(part: Partial<DatabasePart>): Selection {
  const wanted = readWantedPart({ tables: [], schemas: [], skipForeignKeys: false, ...part })
  return wanted.tables.length > 0 ? new TableSelection(wanted) : new SchemaSelection(wanted, [])
}

/** What is selected of a dump that comes in pieces cut at these places. */
function select(dump: string, selection: DumpSelection, cuts: readonly number[] = []): string {
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

const HEAD = "SET client_encoding = 'UTF8';\nSELECT pg_catalog.set_config('search_path', '', false);\n"
const CUSTOMER = `SET default_tablespace = '';
CREATE TABLE sales.customer (
    id integer NOT NULL
);
ALTER TABLE sales.customer OWNER TO owner;
COMMENT ON TABLE sales.customer IS 'a
-- Name: other; Type: TABLE; Schema: sales; Owner: o
DROP TABLE sales.customer;';
CREATE SEQUENCE sales.customer_id_seq
    START WITH 1;
ALTER SEQUENCE sales.customer_id_seq OWNED BY sales.customer.id;
ALTER TABLE ONLY sales.customer ALTER COLUMN id SET DEFAULT nextval('sales.customer_id_seq'::regclass);
COPY "sales"."customer" (id) FROM stdin;
1
-- Name: other; Type: TABLE DATA; Schema: sales; Owner: o
\\.
SELECT pg_catalog.setval('sales.customer_id_seq', 7, true);
ALTER TABLE ONLY sales.customer
    ADD CONSTRAINT customer_pkey PRIMARY KEY (id);
SET SESSION AUTHORIZATION giver;
GRANT SELECT ON TABLE sales.customer TO reader;
RESET SESSION AUTHORIZATION;
`

describe('a table of a dump', () => {
  it('comes with its sequence, key, comment and rights, and with nothing of another table or its tablespace', () => {
    // Nothing that is selected follows the RESET: it ends with the transaction.
    const expected = `${HEAD}${CUSTOMER}`.replaceAll('sales.customer', '"sales"."customer"')
    const selected = select(DUMP, selectionOf({ tables: ['sales.customer'] }))
    expect(unquoted(selected)).toBe(unquoted(expected).replace('RESET SESSION AUTHORIZATION;\n', ''))
    expect(select(DUMP, selectionOf({ tables: ['Sales.CUSTOMER'] }))).toBe(selected)
  })

  it('comes with its partitions, which stand before it in the dump, and their indexes', () => {
    const selected = unquoted(select(DUMP, selectionOf({ tables: ['sales.whole'] })))
    expect(selected.match(/^(CREATE|ALTER|COPY).*$/gm)).toEqual([
      'CREATE TABLE sales.part (',
      'CREATE TABLE sales.whole (',
      'ALTER TABLE ONLY sales.whole ATTACH PARTITION sales.part FOR VALUES IN (1);',
      'COPY sales.part (id) FROM stdin;',
      'CREATE INDEX part_id ON sales.part USING btree (id);',
      'CREATE INDEX whole_id ON ONLY sales.whole USING btree (id);',
      'ALTER INDEX sales.whole_id ATTACH PARTITION sales.part_id;',
    ])
  })

  it('gets another name in all of its statements, and so does what belongs to it', () => {
    const part = { tables: ['sales.customer'], as: 'sales.customer_restored' }
    const expected = unquoted(`${HEAD}${CUSTOMER}`)
      .replaceAll(/sales\.customer/g, 'sales.customer_restored')
      .replaceAll('customer_pkey', 'customer_restored_pkey')
      .replace('DROP TABLE sales.customer_restored', 'DROP TABLE sales.customer')
      .replace('RESET SESSION AUTHORIZATION;\n', '')
    const selection = selectionOf(part)
    expect(unquoted(select(DUMP, selection))).toBe(expected)
    expect(selection.broughtBack.relations).toEqual([
      { name: 'sales.customer_restored', was: 'sales.customer' },
      { name: 'sales.customer_restored_id_seq', was: 'sales.customer_id_seq' },
    ])
  })

  it('whose name reads like pg_dump’s comments is found by its own statements', () => {
    const selected = select(DUMP, selectionOf({ tables: ['sales."x; Type: TABLE; Schema: public"'] }))
    expect(selected.match(/^(CREATE|COPY).*$/gm)).toEqual([
      'CREATE TABLE "sales"."x; Type: TABLE; Schema: public" (',
      'COPY "sales"."x; Type: TABLE; Schema: public" (a) FROM stdin;',
    ])
  })

  it('is made by the role that made it, in a dump that says so before each entry', () => {
    const dump = DUMP.replaceAll(
      /--\n-- Name: (\w+); Type: TABLE;/g,
      "SET SESSION AUTHORIZATION 'of_$1';\n\n$&",
    )
    const selected = select(dump, selectionOf({ tables: ['sales.customer'] }))
    expect(selected).toContain("SET SESSION AUTHORIZATION 'of_customer';\nCREATE TABLE")
    expect(selected).not.toContain('of_other')
  })

  it('comes without rows, or rows come alone', () => {
    const tables = ['sales.customer']
    const definitions = select(DUMP, selectionOf({ tables, only: 'definitions' }))
    expect(definitions).toContain('PRIMARY KEY')
    expect(definitions).not.toMatch(/COPY|setval/)
    const rows = select(DUMP, selectionOf({ tables, only: 'rows' }))
    expect(rows.match(/^[A-Z]{4,}.*$/gm)).toEqual([
      expect.stringContaining('SELECT pg_catalog.set_config'),
      'COPY "sales"."customer" (id) FROM stdin;',
      `SELECT pg_catalog.setval('"sales"."customer_id_seq"', 7, true);`,
    ])
  })

  it('must be empty for rows alone, also where the dump holds them as INSERT', () => {
    const dump = [
      entry('a', 'TABLE', 'CREATE TABLE sales.a (\n    id integer\n);'),
      entry('a', 'TABLE DATA', 'INSERT INTO sales.a VALUES (1);\nINSERT INTO sales.a VALUES (2);'),
    ].join('')
    const filter = new DumpFilter(selectionOf({ tables: ['sales.a'], only: 'rows' }), new Set())
    const sql = Buffer.concat([...filter.push(Buffer.from(dump)), ...filter.finish()]).toString()
    expect(sql.match(/is not empty|^INSERT.*$/gm)).toEqual([
      'is not empty',
      'INSERT INTO "sales"."a" VALUES (1);',
      'INSERT INTO "sales"."a" VALUES (2);',
    ])
  })

  it('that is a materialized view is filled as rows alone, and a view is said to have none', () => {
    const dump = [
      entry(
        'sums',
        'MATERIALIZED VIEW',
        'CREATE MATERIALIZED VIEW sales.sums AS\n SELECT 1 AS n\n  WITH NO DATA;',
      ),
      entry('plain', 'VIEW', 'CREATE VIEW sales.plain AS\n SELECT 1 AS n;'),
      entry('sums', 'MATERIALIZED VIEW DATA', 'REFRESH MATERIALIZED VIEW sales.sums;'),
    ].join('')
    const refresh = 'REFRESH MATERIALIZED VIEW "sales"."sums";'
    expect(select(dump, selectionOf({ tables: ['sales.sums'] }))).toContain(refresh)
    expect(select(dump, selectionOf({ tables: ['sales.sums'], only: 'definitions' }))).not.toContain(refresh)
    const rows = selectionOf({ tables: ['sales.sums', 'sales.plain'], only: 'rows' })
    expect(select(dump, rows)).toContain(refresh)
    expect(rows.broughtBack.remarks).toEqual([
      'the backup has no rows of sales.plain; nothing was restored into it',
    ])
  })

  it('that is not in the dump is refused before the first row, with the names that resemble it', () => {
    const untilRows = DUMP.slice(0, DUMP.indexOf('-- Data for') + 90)
    const filter = new DumpFilter(selectionOf({ tables: ['sales.custmer'] }), new Set())
    expect(() => filter.push(Buffer.from(untilRows))).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', message: 'The backup has no table sales.custmer' }),
    )
    expect(() => select(DUMP, selectionOf({ tables: ['public.customer'] }))).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('sales.customer') }),
    )
  })
})

describe('a schema of a dump', () => {
  it('comes whole, by the comments and the statements', () => {
    const selected = select(DUMP, selectionOf({ schemas: ['sales'] }))
    expect(selected).toContain('CREATE SCHEMA sales;')
    expect(selected).toContain('CREATE FUNCTION sales.touch()')
    expect(selected).toContain('"x; Type: TABLE; Schema: public"')
    expect(selected).not.toMatch(/^DROP TABLE sales.customer;\n\n/m)
  })

  it('is refused when a statement below its name is about something else', () => {
    const evil = entry('x', 'TABLE', 'ALTER TABLE other.t ADD COLUMN x int;')
    expect(() =>
      select(DUMP.replace('SET default', `${evil}SET default`), selectionOf({ schemas: ['sales'] })),
    ).toThrow(expect.objectContaining({ code: 'UNRESTORABLE' }))
  })

  it('that is not in the dump is refused, with those that are', () => {
    expect(() => select(DUMP, selectionOf({ schemas: ['sale'] }))).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', hint: 'It has sales.' }),
    )
  })
})

describe('whatever a dump holds and wherever it is cut', () => {
  const parts: ReadonlyArray<Partial<DatabasePart>> = [
    { tables: ['sales.customer'] },
    { tables: ['sales.customer'], as: 'x."Y z"' },
    { tables: ['sales.whole', 'sales.customer'], only: 'rows' },
    { schemas: ['sales'] },
    { only: 'definitions' },
  ]
  const pieces = DUMP.split(/(?<=\n\n\n)/)
  const noise = fc.constantFrom(
    "SELECT 'x\n-- Name: customer; Type: TABLE; Schema: sales; Owner: o\n';\n",
    '-- Name: y; Type: TABLE; Schema: sales; Owner: o\n',
    '--\n-- Name: a; Type: TABLE; Schema: b; Type: TABLE; Schema: sales; Owner: o; Owner: p\n--\n',
    'DROP TABLE sales.customer;\n',
    'ALTER TABLE elsewhere.t RENAME TO sales;\n',
    'DO $$BEGIN DELETE FROM sales.customer; END$$;\n',
    'CREATE TABLE sales.customer (a int);\n',
    'DELETE FROM sales.other;\n',
  )

  it('the same is selected, and nothing that is no statement of pg_dump about the selected tables', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: pieces.length }), noise), { maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.constantFrom(...parts),
        (noises, cuts, part) => {
          const dump = noises
            .reduce((all, [at, text]) => all.toSpliced(at, 0, text), pieces as readonly string[])
            .join('')
          const outcome = (at: readonly number[]): string => {
            try {
              return select(dump, selectionOf(part), at)
            } catch (error) {
              return (error as Error).message
            }
          }
          const whole = outcome([])
          expect(outcome(cuts)).toBe(whole)
          if (part.tables === undefined) return
          expect(whole.replaceAll(/^COMMENT[\s\S]*?;';$/gm, '')).not.toMatch(
            /^(DROP|DELETE|DO|ALTER TABLE elsewhere)/m,
          )
        },
      ),
      { numRuns: 100 },
    )
  })
})

/** Plain names without their quotes. */
function unquoted(text: string): string {
  return text.replaceAll(/"([a-z_]+)"/g, '$1')
}
