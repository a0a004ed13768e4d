import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DumpCutter } from '#postgres/restore/sql/dump-cutter.ts'

const HEAD = /DO \$a([0-9a-f]{32})\$BEGIN EXECUTE \$b\1\$/g
const TAIL = /\n {2}\$b([0-9a-f]{32})\$; END\$a\1\$;\n/g

/**
 * What psql gets of a dump that comes in pieces cut at these places; what is in an EXECUTE stands in [[ ]].
 */
function cut(dump: Buffer | string, cuts: readonly number[] = [], unknown: readonly string[] = []): string {
  const bytes = Buffer.from(dump)
  const cutter = new DumpCutter(new Set(unknown))
  const ends = [...cuts.map(cut => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  let from = 0
  const out: Buffer[] = []
  for (const end of ends) {
    out.push(...cutter.push(bytes.subarray(from, end)).map(piece => Buffer.from(piece)))
    from = end
  }
  out.push(...cutter.finish())
  return Buffer.concat(out).toString('latin1').replaceAll(HEAD, '[[').replaceAll(TAIL, ']]')
}

const everyByte = (dump: string): number[] => [...Buffer.from(dump).keys()]

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

/** Texts that pg_dump writes, each one or no statement, with what stands in its EXECUTE. */
const STATEMENTS: ReadonlyArray<[dump: string, executed: string]> = [
  ['-- BEGIN;\n', ''],
  ['/* COMMIT; /* nested */ ROLLBACK; */\n', ''],
  [';\n', ''],
  ...[
    "SELECT 'BEGIN;', 'it''s; COMMIT;';",
    "SELECT E'a\\'; COMMIT; -- ';",
    "SELECT E'a'\n  'b\\'; COMMIT;';",
    "SELECT E'a' -- more\n  'b\\'; COMMIT;';",
    'SELECT "COMMIT; ""x";',
    'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN;\nCOMMIT;\n$$;',
    'DO $größe_1$ BEGIN; $$ COMMIT; $a$ ROLLBACK; $größe_1$;',
    'CREATE RULE r AS ON INSERT TO t DO INSTEAD (INSERT INTO u VALUES (1);\nCOMMIT;\n);',
    'CREATE OR REPLACE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;',
    'CREATE PROCEDURE p(a int) BEGIN ATOMIC INSERT INTO t VALUES (1); END;',
    "SET client_encoding = 'UTF8';",
    'SET row_security = off;',
    'ALTER TABLE t ADD CONSTRAINT c CHECK ((a - -1) > (2 / 3));',
    'SELECT a$b$c, $1, 1 FROM t;',
    "SELECT B'01', X'1F', U&'\\0041', N'x', 1e-3;",
    'PREPARE s AS SELECT 1;',
    'CREATE TABLE "begin" (commit int);',
    'SELECT 1 /* ; */ -- ;\n;',
    '(SELECT 1);',
  ].map((statement): [string, string] => [`${statement}\n`, `[[${statement}]]`]),
]

/** COPYs as pg_dump writes them, with the line that psql gets instead. */
const COPIES: ReadonlyArray<[dump: string, copy: string, data: string]> = [
  [
    'COPY public.t (a, "b;") FROM stdin;\n',
    'COPY "public"."t" ("a", "b;") FROM stdin;\n',
    'BEGIN;\na\\.b\n\\\\.\nCOMMIT;\n\\restrict x\n',
  ],
  ['COPY t  FROM stdin;\n', 'COPY "t" FROM stdin;\n', ''],
  [
    'copy "S ""x"".y"."a\nb" (A1,"FROM stdin;") from STDIN ;\r\n',
    'COPY "S ""x"".y"."a\nb" ("a1", "FROM stdin;") FROM stdin;\n',
    '1\r\n',
  ],
]

describe('a dump on its way to psql', () => {
  it.each(STATEMENTS)('is executed statement by statement, wherever it is cut: %j', (dump, executed) => {
    for (const text of [dump, `${dump}SELECT 2;\n`]) {
      const expected = latin1(executed + (text === dump ? '' : '[[SELECT 2;]]'))
      expect(cut(text)).toBe(expected)
      expect(cut(text, everyByte(text))).toBe(expected)
    }
  })

  it.each(COPIES)(
    'has its COPY written anew and its data passed on, wherever it is cut: %j',
    (dump, copy, data) => {
      for (const [mark, ending] of [
        ['\\.\n', 'SELECT 2;'],
        ['\\.\r\n', 'SELECT 2;'],
        ['\\.', ''],
      ] as const) {
        const text = `${dump}${data}${mark}${ending}`
        const lineEnd = data.endsWith('\r\n') ? '\r\n' : '\n'
        const expected = `${copy}${data}\\.${lineEnd}${ending && `[[${ending}]]`}`
        expect(cut(text)).toBe(expected)
        expect(cut(text, everyByte(text))).toBe(expected)
      }
    },
  )

  it('has rows that follow each other executed at once, up to a bound', () => {
    const row = `INSERT INTO t VALUES ('${'x'.repeat(1000)};');`
    const dump = `SELECT 1;\n${`${row}\n-- next\n`.repeat(200)}SELECT 2;`
    const pieces = cut(dump).split(']][[')
    expect(pieces.map(piece => piece.split(row).length - 1)).toEqual([0, 64, 64, 64, 8, 0])
    expect(cut(dump, everyByte(dump))).toBe(pieces.join(']][['))
  })

  it('asks for an encoding in which psql sees the end of a name before a COPY into one that is not ASCII', () => {
    const text = cut('COPY "größe" FROM stdin;\n\\.\n')
    expect(text).toMatch(/^DO LANGUAGE plpgsql \$\$BEGIN\nIF [^$]* END\$\$;\nCOPY "/)
    expect(text).toContain(latin1('COPY "größe" FROM stdin;\n'))
  })

  it('loses the transactions that pg_dump puts round large objects, and keeps what they hold', () => {
    const dump =
      "BEGIN;\n\nSELECT pg_catalog.lo_open('1', 131072);\n\nCOMMIT;\n\nstart  transaction ;END;SELECT 1;\n"
    const rest = "[[SELECT pg_catalog.lo_open('1', 131072);]][[SELECT 1;]]"
    expect(cut(dump)).toBe(rest)
    expect(cut(dump, everyByte(dump))).toBe(rest)
  })

  it('loses settings that the server does not know, and no others', () => {
    const dump =
      "SET lock_timeout = 0;\nSET transaction_timeout = 0;\nset LOCAL Transaction_Timeout to '1min';\n"
    expect(cut(dump, everyByte(dump), ['transaction_timeout'])).toBe('[[SET lock_timeout = 0;]]')
    expect(cut(dump).split('[[')).toHaveLength(4)
  })

  it('loses the restriction of another run', () => {
    const dump = '\\restrict 5hYqA1\nSELECT 1;\n\\unrestrict 5hYqA1\n'
    expect(cut(dump)).toBe('[[SELECT 1;]]')
    expect(cut(dump, everyByte(dump))).toBe('[[SELECT 1;]]')
  })

  it('follows standard_conforming_strings as pg_dump sets it', () => {
    const off = ['SET standard_conforming_strings = off;', "SELECT 'a\\'; COMMIT; ', X'', B'';"]
    expect(cut(off.join('\n'))).toBe(off.map(text => `[[${text}]]`).join(''))
    const on = ["SET standard_conforming_strings TO 'on';", "SELECT '\\';", 'SELECT 1;']
    expect(cut([...off, ...on].join('\n'))).toBe([...off, ...on].map(text => `[[${text}]]`).join(''))
  })

  it.each([
    ['ROLLBACK;', /ROLLBACK/],
    ['select 1; abort;', /ABORT/],
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
    ['COPY t FROM stdin;\n1\n\\.x\n\\.\n', /line that begins with/],
    ['COPY t FROM stdin;\n\\.\r', /line that begins with/],
    ['COPY t FROM stdout;\n', /COPY of another kind/],
    ['COPY t TO stdout;\n', /COPY of another kind/],
    ['COPY (SELECT 1) TO stdout;\n', /COPY of another kind/],
    ['copy t from STDIN WITH (FORMAT csv);\n1\n\\.\n', /COPY of another kind/],
    ["COPY t FROM PROGRAM 'id';\n", /COPY of another kind/],
    [`COPY t ("${'x'.repeat(600_000)}") FROM stdin;\n`, /COPY of another kind/],
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
    ['COPY t', /COPY of another kind/],
  ])(
    'is refused where it means something for psql or the transaction, or ends too early: %#',
    (dump, message) => {
      for (const cuts of dump.length > 100_000 ? [[]] : [[], everyByte(dump)]) {
        if (message === undefined) expect(cut(dump, cuts)).toBe(`[[${dump}]]`)
        else
          expect(() => cut(dump, cuts)).toThrow(
            expect.objectContaining({ code: 'UNRESTORABLE', message: expect.stringMatching(message) }),
          )
      }
    },
  )

  it('gives the same whole for every way of cutting, for any mixture of what SQL is made of', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...STATEMENTS.map(([dump]) => dump),
        ...COPIES.map(texts => `${texts[0]}${texts[2]}\\.\n`),
      ),
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
        return cut(dump, cuts, ['transaction_timeout'])
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
      ['SELECT /*', '*/;\n'],
    ] as const) {
      const cutter = new DumpCutter()
      const size = (pieces: Buffer[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0)
      cutter.push(Buffer.from(start))
      for (let round = 0; round < 20; round++)
        expect(Math.abs(size(cutter.push(chunk)) - chunk.length)).toBeLessThan(64)
      expect(size(cutter.push(Buffer.from(end))) + size(cutter.finish())).toBeLessThan(200)
    }
  })
})
