import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CopyLines } from '#postgres/lines/copy-lines.ts'
import type { DumpLines } from '#postgres/lines/lines-record.ts'

const HEAD = `--
-- PostgreSQL database dump
--

\\restrict abc

-- Dumped from database version 15.20 (Debian 15.20-1)
-- Dumped by pg_dump version 17.6

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.trap() RETURNS void LANGUAGE plpgsql AS $_$BEGIN
COPY public.users (id) FROM stdin;
1
\\.
END$_$;
`
const USERS = `COPY public.users (id, name) FROM stdin;
1\tAda
2\t\\N
3\tback\\\\.slash
\\.


`
const ODD = `COPY "Odd ""one"."übel"  FROM stdin;


\\.
`
const TAIL = `ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE public.users OWNER TO "Ann ""the"" owner";
GRANT SELECT,UPDATE ON TABLE public.users TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE ada IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
SELECT pg_catalog.setval('public.users_id_seq', 3, true);
CREATE TRIGGER t BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.trap();
\\unrestrict abc
-- PostgreSQL database dump complete
`

const ZONES = { time_zones: ['UTC'], is_time_zone_known: true }

function linesOf(...chunks: readonly (string | Buffer)[]): ReturnType<CopyLines['finish']> {
  const lines = new CopyLines()
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk)
    lines.push(lent)
    // The ring gives the memory to the next block.
    lent.fill('x')
  }
  return lines.finish(ZONES)
}

function tablesOf(dump: string): DumpLines['tables'] {
  return (linesOf(dump) as DumpLines).tables
}

it('the rows of each COPY are summed up by table', () => {
  expect(linesOf(HEAD + USERS + ODD + TAIL)).toEqual({
    ...{ version: 1, algorithm: 'murmur3', encoding: 'UTF8', server_major: 15, ...ZONES },
    roles: ['Ann "the" owner', 'ada', 'reader'],
    tables: [
      ['public', 'users', 3, expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^[0-9a-f]{8}$/)],
      ['Odd "one', 'übel', 2, '0'.repeat(32), expect.any(String)],
    ],
    left_out: [],
  })
})

it('the record is the same wherever the stream is cut', () => {
  const dump = Buffer.from(HEAD + USERS + ODD + USERS + TAIL)
  const whole = linesOf(dump)
  for (let at = 1; at < dump.length; at++)
    expect(linesOf(dump.subarray(0, at), dump.subarray(at))).toEqual(whole)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 80 }), sizes => {
      const chunks: Buffer[] = []
      for (let at = 0, next = 0; at < dump.length; next++) {
        const end = at + (sizes[next % sizes.length] ?? 1)
        chunks.push(dump.subarray(at, end))
        at = end
      }
      expect(linesOf(...chunks)).toEqual(whole)
    }),
    { numRuns: roundsOf(30) },
  )
})

it('two COPYs of one table add up, and rows in another order are the same', () => {
  const [, , rows, sum] = tablesOf(HEAD + USERS + USERS + TAIL)[0] ?? []
  const doubled = USERS.replace('1\tAda', '2\t\\N\n1\tAda\n1\tAda\n3\tback\\\\.slash')
  expect(tablesOf(HEAD + doubled + TAIL)[0]).toMatchObject({ 2: rows, 3: sum })
})

describe('nothing is claimed of', () => {
  it.each([
    ['INSERTs', `INSERT INTO public.users VALUES (1);\n`, 'inserts'],
    ['an UPDATE behind the rows', `UPDATE public.users SET id = 2;\n`, 'changes'],
    ['a call behind the rows', `SELECT public.trap();\n`, 'changes'],
    ['a column that is dropped', `ALTER TABLE public.users DROP COLUMN name;\n`, 'changes'],
    ['a column of another type', `ALTER TABLE ONLY public.users ALTER COLUMN id TYPE text;\n`, 'changes'],
    ['a table of another name', `ALTER TABLE public.users RENAME TO people;\n`, 'changes'],
    ['a block of code', `DO $$BEGIN DELETE FROM public.users; END$$;\n`, 'changes'],
    ['a COPY with options', `COPY public.users (id) FROM stdin WITH CSV;\n1\n\\.\n`, 'unreadable'],
    [
      'a line that only begins as the last one',
      `COPY public.users (id) FROM stdin;\n\\.x\n\\.\n`,
      'unreadable',
    ],
    ['a zero byte', `COPY public.users (id) FROM stdin;\n\0\n\\.\n`, 'unreadable'],
    ['a COPY without an end', `COPY public.users (id) FROM stdin;\n1\n`, 'unreadable'],
    ['a command for psql', `\\! id\n`, 'unreadable'],
    ['names in another encoding', `SET client_encoding = 'LATIN1';\n`, 'encoding'],
  ])('a dump with %s', (_, statement, reason) => {
    expect(linesOf(`${HEAD}${USERS}${statement}`)).toMatchObject({ version: 1, reason })
  })

  it.each([
    ['that is loaded twice, with other columns', USERS + USERS.replace('id, name', 'name, id'), 'columns'],
    ['with line ends of Windows', USERS.replaceAll('\n', '\r\n'), 'line ends'],
    [
      'that is loaded when a trigger is there',
      `CREATE CONSTRAINT TRIGGER t AFTER INSERT ON x;\n${USERS}`,
      'triggers',
    ],
  ])('a table %s', (_, dump, reason) => {
    expect(linesOf(HEAD + dump + TAIL)).toMatchObject({
      tables: [],
      left_out: [['public', 'users', reason]],
    })
  })

  it('what is no dump of pg_dump', () => {
    expect(linesOf(USERS)).toBeUndefined()
    expect(linesOf('')).toBeUndefined()
    expect(linesOf(Buffer.alloc(100_000, 'a'))).toBeUndefined()
  })
})

it('a line of any length is hashed in constant memory', () => {
  const lines = new CopyLines()
  lines.push(Buffer.from(`${HEAD}COPY public.users (id) FROM stdin;\n`))
  const before = process.memoryUsage().arrayBuffers
  const piece = Buffer.alloc(1024 * 1024, 'a')
  for (let at = 0; at < 200; at++) lines.push(piece)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 1024 * 1024)
  lines.push(Buffer.from('\n\\.\n'))
  expect(lines.finish(ZONES)).toMatchObject({
    tables: [['public', 'users', 1, expect.any(String), expect.any(String)]],
  })
})

it('of very many tables, the largest are named, and the rest is one sum', () => {
  const copies = Array.from({ length: 1_002 }, (_, at) => `COPY public.t${at} (id) FROM stdin;\n${at}\n\\.\n`)
  const record = linesOf(HEAD + copies.join('') + TAIL) as DumpLines
  expect(record.tables.length).toBe(1_000)
  expect(record.others).toMatchObject({ tables: 2, rows: 2 })
})
