import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DumpFilter } from '#restore/sql/dump-filter.ts'

/** What comes through of a dump that comes in pieces cut at these places. */
function filtered(
  dump: Buffer | string,
  cuts: readonly number[] = [],
  unknown: readonly string[] = [],
): string {
  const bytes = Buffer.from(dump)
  const filter = new DumpFilter(new Set(unknown))
  const ends = [...cuts.map(cut => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  let from = 0
  const out: Buffer[] = []
  for (const end of ends) {
    out.push(...filter.push(bytes.subarray(from, end)).map(piece => Buffer.from(piece)))
    from = end
  }
  out.push(...filter.finish())
  return Buffer.concat(out).toString('latin1')
}

const passed = (dump: string): string => `${Buffer.from(dump).toString('latin1')}\n`
const everyByte = (dump: string): number[] => [...Buffer.from(dump).keys()]

/** Texts that pg_dump writes, and that must come through as they are, each complete in itself. */
const HARMLESS = [
  '-- BEGIN;\n',
  '/* COMMIT; /* nested */ ROLLBACK; */\n',
  "SELECT 'BEGIN;', 'it''s; COMMIT;';\n",
  "SELECT E'a\\'; COMMIT; -- ';\n",
  "SELECT E'a'\n  'b\\'; COMMIT;';\n",
  'SELECT "COMMIT; ""x";\n',
  'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN;\nCOMMIT;\n$$;\n',
  'DO $größe_1$ BEGIN; $$ COMMIT; $a$ ROLLBACK; $größe_1$;\n',
  'COPY public.t (a, "b;") FROM stdin;\nBEGIN;\n\\.x\na\\.b\n\\\\.\nCOMMIT;\n\\restrict x\n\\.\n',
  'COPY t FROM stdin;\n\\.\n',
  'copy t from STDIN WITH (FORMAT csv);\r\n1;2\r\n\\.\r\n',
  'COPY (SELECT 1 FROM stdin) TO stdout;\n',
  'CREATE RULE r AS ON INSERT TO t DO INSTEAD (INSERT INTO u VALUES (1);\nCOMMIT;\n);\n',
  'CREATE OR REPLACE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;\n',
  'CREATE PROCEDURE p(a int) BEGIN ATOMIC INSERT INTO t VALUES (1); END;\n',
  "SET client_encoding = 'UTF8';\n",
  'SET row_security = off;\n',
  'ALTER TABLE t ADD CONSTRAINT c CHECK ((a - -1) > (2 / 3));\n',
  'SELECT a$b$c, $1, 1 FROM t;\n',
  "SELECT B'01', X'1F', U&'\\0041', N'x', 1e-3;\n",
  'PREPARE s AS SELECT 1;\n',
  'CREATE TABLE "begin" (commit int);\n',
  ';\n',
]

describe('a dump on its way to psql', () => {
  it.each(HARMLESS)('comes through as it is, wherever it is cut: %j', dump => {
    expect(filtered(dump)).toBe(passed(dump))
    expect(filtered(dump, everyByte(dump))).toBe(passed(dump))
  })

  it('loses the transactions that pg_dump puts round large objects, and keeps what they hold', () => {
    const dump =
      "BEGIN;\n\nSELECT pg_catalog.lo_open('1', 131072);\n\nCOMMIT;\n\nstart  transaction ;END;SELECT 1;\n"
    const rest = "\n\nSELECT pg_catalog.lo_open('1', 131072);\n\n\n\nSELECT 1;\n"
    expect(filtered(dump)).toBe(passed(rest))
    expect(filtered(dump, everyByte(dump))).toBe(passed(rest))
  })

  it('loses settings that the server does not know, and no others', () => {
    const dump =
      "SET lock_timeout = 0;\nSET transaction_timeout = 0;\nset LOCAL Transaction_Timeout to '1min';\n"
    expect(filtered(dump, everyByte(dump), ['transaction_timeout'])).toBe('SET lock_timeout = 0;\n\n\n\n')
    expect(filtered(dump)).toBe(passed(dump))
  })

  it('loses the restriction of another run', () => {
    const dump = '\\restrict 5hYqA1\nSELECT 1;\n\\unrestrict 5hYqA1\n'
    expect(filtered(dump)).toBe('\nSELECT 1;\n\n\n')
    expect(filtered(dump, everyByte(dump))).toBe('\nSELECT 1;\n\n\n')
  })

  it('follows standard_conforming_strings', () => {
    const dump = "SET standard_conforming_strings = off;\nSELECT 'a\\'; COMMIT; ', X'', B'';\n"
    expect(filtered(dump)).toBe(passed(dump))
    const back = `${dump}SET standard_conforming_strings TO 'on';\nSELECT '\\';\nCOMMIT;\n`
    expect(filtered(back)).toBe(`${dump}SET standard_conforming_strings TO 'on';\nSELECT '\\';\n\n\n`)
  })

  it.each([
    ['ROLLBACK;', /ROLLBACK/],
    ['select 1; abort;', /ABORT/],
    ["PREPARE TRANSACTION 'x';", /PREPARE/],
    ["COMMIT PREPARED 'x';", /COMMIT/],
    ['COMMIT AND CHAIN;', /COMMIT/],
    ['COMMIT /* ; */;', /COMMIT/],
    ['BEGIN ISOLATION LEVEL SERIALIZABLE;', /BEGIN/],
    [`ROLLBACK ${' '.repeat(2000)};`, /ROLLBACK/],
    ['-- a\rROLLBACK;', /ROLLBACK/],
    ['\\! touch /tmp/x\n', /command for psql/],
    ['\\connect other\n', /command for psql/],
    ['SELECT 1 \\gexec\n', /command for psql/],
    ['SELECT 1 \\restrict x\n', /command for psql/],
    ['\\restrict x \\! id\n', /command for psql/],
    [`\\restrict ${'x'.repeat(600)}`, /command for psql|middle/],
    ['COPY t FROM stdin; ROLLBACK;\n', /line of their own/],
    ['COPY t FROM stdin;\n1\n\\.\n\\! id\n', /command for psql/],
    ["SELECT 'a\0b';", /zero byte/],
    ['SELECT 1', undefined],
    ["SELECT 'a", /middle of a string/],
    ["SELECT E'a\\'", /middle of a escape string/],
    ['SELECT "a', /middle of a quoted name/],
    ['DO $x$ $y$', /middle of a dollar-quoted string/],
    ['/* /* */', /middle of a block comment/],
    ['SELECT (1;', /middle of a statement/],
    ['CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;', /middle of a statement/],
    ['COPY t FROM stdin;\n1\t2\n', /middle of a COPY/],
    ['COPY t FROM stdin;', /middle of a COPY/],
  ])('is refused where it would get out of the transaction, or ends too early: %j', (dump, message) => {
    for (const cuts of [[], everyByte(dump)]) {
      if (message === undefined) expect(filtered(dump, cuts)).toBe(`${dump}\n;\n`)
      else
        expect(() => filtered(dump, cuts)).toThrow(
          expect.objectContaining({ code: 'UNRESTORABLE', message: expect.stringMatching(message) }),
        )
    }
  })

  it('gives the same whole for every way of cutting, for any mixture of what SQL is made of', () => {
    const piece = fc.oneof(
      fc.constantFrom(...HARMLESS),
      fc.constantFrom(
        'BEGIN;',
        'COMMIT;',
        '\\restrict a\n',
        '\\unrestrict a\n',
        'SET transaction_timeout = 0;',
      ),
      fc.constantFrom("'", '"', '$$', '$a$', '--', '/*', '*/', '\\', ';', '(', ')', '\n', 'E', '\\.', 'COPY'),
      fc.string({ unit: 'grapheme', maxLength: 5 }).map(text => text.replaceAll('\0', '')),
    )
    const outcome = (dump: string, cuts: number[]): string => {
      try {
        return filtered(dump, cuts, ['transaction_timeout'])
      } catch (error) {
        return (error as Error).message
      }
    }
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (pieces, cuts) => {
          const dump = pieces.join('')
          const whole = outcome(dump, [])
          expect(outcome(dump, cuts)).toBe(whole)
          expect(outcome(dump, everyByte(dump))).toBe(whole)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('passes rows and strings far larger than a chunk through in pieces, holding back a few bytes', () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x')
    for (const [start, end] of [
      ['COPY t FROM stdin;\n', '\n\\.\n'],
      ["SELECT '", "';\n"],
      ['DO $body$', '$body$;\n'],
      ["SELECT E'", "';\n"],
      ['/*', '*/\n'],
    ] as const) {
      const filter = new DumpFilter()
      const size = (pieces: Buffer[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0)
      let taken = Buffer.byteLength(start)
      let given = size(filter.push(Buffer.from(start)))
      for (let round = 0; round < 20; round++) {
        given += size(filter.push(chunk))
        taken += chunk.length
        expect(taken - given).toBeLessThan(64)
      }
      given += size(filter.push(Buffer.from(end))) + size(filter.finish())
      expect(given).toBe(taken + end.length + 1)
    }
  })
})
