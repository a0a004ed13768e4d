import { describe, expect, it } from 'vitest'
import { type ClientProgram, choosePgDump } from '#postgres/client-programs.ts'
import { type PgDumpOptions, pgDumpArguments } from '#postgres/dump/pg-dump-arguments.ts'
import { isForTheSession } from '#postgres/dump/pg-dump-source.ts'
import { PgDumpWords } from '#postgres/dump/pg-dump-words.ts'

const installed = (...versions: string[]): ClientProgram[] =>
  versions.map(version => ({
    path: `/${version}`,
    version,
    major: Number.parseInt(version, 10),
    isNamed: false,
  }))

describe('which pg_dump', () => {
  it.each([
    { server: 15, programs: ['17.6', '15.20', '15.3', '13.9'], chosen: '15.20' },
    { server: 14, programs: ['17.6', '16.1', '15.20', '13.9'], chosen: '15.20' },
    { server: 17, programs: ['17.6', '15.20'], chosen: '17.6' },
    { server: 13, programs: ['16.2'], chosen: '16.2' },
  ])('for a server $server of $programs: $chosen', ({ server, programs, chosen }) => {
    expect(choosePgDump(installed(...programs), server).version).toBe(chosen)
  })

  it('that of the folder in the settings, where it is new enough', () => {
    const programs = installed('17.6', '16.1', '15.20').map(one => ({ ...one, isNamed: one.major === 16 }))
    expect([17, 16, 15].map(server => choosePgDump(programs, server).version)).toEqual([
      '17.6',
      '16.1',
      '16.1',
    ])
  })

  it('is a clear error when all are older than the server, or there is none', () => {
    for (const programs of [installed('15.20', '13.9'), []]) {
      expect(() => choosePgDump(programs, 17)).toThrow(
        expect.objectContaining({
          code: 'CONFIGURATION',
          hint: expect.stringContaining('apt-get install postgresql-client-17'),
        }),
      )
    }
  })
})

const NOTHING: PgDumpOptions = {
  format: 'plain',
  schemas: [],
  excludeSchemas: [],
  tables: [],
  excludeTables: [],
  excludeTableData: [],
  lockTimeoutMs: 60_000,
  proof: 'count',
}

describe('pg_dump’s arguments', () => {
  it('never ask for a password, and wait for a lock only so long', () => {
    expect(pgDumpArguments(NOTHING)).toEqual(['--no-password', '--format=plain', '--lock-wait-timeout=60000'])
    expect(pgDumpArguments({ ...NOTHING, lockTimeoutMs: 0 }).join()).not.toContain('lock')
  })

  it('hold each pattern as one argument, whatever is in it', () => {
    const args = pgDumpArguments({
      ...NOTHING,
      format: 'custom',
      tables: ['--file=/etc/x', 'a"b.c'],
      schemas: ['-n'],
    })
    expect(args).toEqual(expect.arrayContaining(['--table=--file=/etc/x', '--table=a"b.c', '--schema=-n']))
    expect(args).toContain('--compress=0')
    expect(args).toContain('--strict-names')
  })
})

function heard(text: string): { errors: string[]; warnings: string[] } {
  const words = new PgDumpWords()
  for (const line of text.split('\n')) words.hear(line)
  return { errors: words.errors, warnings: words.warnings }
}

describe('pg_dump’s words', () => {
  it('an error of version 15 comes without the query, however long that is', () => {
    expect(
      heard(`pg_dump: error: query failed: ERROR:  permission denied for table secret
pg_dump: detail: Query was: LOCK TABLE public.secret IN ACCESS SHARE MODE;
SELECT 'error: not this one'`),
    ).toEqual({ errors: ['query failed: ERROR:  permission denied for table secret'], warnings: [] })
  })

  it('an error of version 13 does', () => {
    expect(
      heard(`pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.
pg_dump: error: Error message from server: ERROR:  query would be affected by row-level security policy for table "t"
HINT:  To disable the policy, use ALTER TABLE NO FORCE ROW LEVEL SECURITY.
pg_dump: error: The command was: COPY public.t (id) TO stdout;`).errors,
    ).toEqual([
      'Dumping the contents of table "t" failed: PQgetResult() failed.',
      expect.stringMatching(/^Error message from server: ERROR: .* HINT: /),
    ])
  })

  it('warnings of pg_dump and of the server are kept with what explains them', () => {
    expect(
      heard(`WARNING:  database "x" has a collation version mismatch
DETAIL:  The database was created using collation version 1, but the operating system provides version 2.
HINT:  Rebuild all objects in this database.
pg_dump: warning: there are circular foreign-key constraints on this table:
pg_dump: detail: a
pg_dump: hint: You might not be able to restore the dump.`),
    ).toEqual({
      errors: [],
      warnings: [
        expect.stringMatching(/^WARNING: {2}database "x" .* DETAIL: .* HINT: /),
        'there are circular foreign-key constraints on this table: detail: a hint: You might not be able to restore the dump.',
      ],
    })
  })

  it('what is in no known form is not passed over', () => {
    expect(heard('something odd').warnings).toEqual(['something odd'])
  })

  it('are bounded', () => {
    const { errors, warnings } = heard(
      `pg_dump: error: ${'x'.repeat(5000)}\n${'more\n'.repeat(5000)}${'pg_dump: warning: w\n'.repeat(5000)}`,
    )
    expect(errors[0]?.length).toBe(1000)
    expect(warnings.length).toBe(100)
  })
})

describe('whether pg_dump failed only because of the second session', () => {
  const connection = 'connection to server at "127.0.0.1", port 5432 failed: '
  it.each([
    `${connection}FATAL:  too many connections for role "backup"`,
    `${connection}FATAL:  sorry, too many clients already`,
    `${connection}FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute`,
    `${connection}FATAL:  query_wait_timeout`,
    `${connection}timeout expired`,
    'connection to database "shop" failed: FATAL:  too many connections for database "shop"',
    'query failed: ERROR:  snapshot "00000003-00000002-1" does not exist',
    'query failed: ERROR:  invalid snapshot identifier: "00000003-00000002-1"',
    'query failed: ERROR:  could not import the requested snapshot DETAIL:  The source process is not running anymore.',
  ])('yes: %s', error => {
    expect(isForTheSession(error)).toBe(true)
  })

  it.each([
    'query failed: ERROR:  permission denied for table too many clients',
    'query failed: ERROR:  could not obtain lock on relation "cannot import a snapshot"',
    'Dumping the contents of table "too many connections" failed: PQgetResult() failed.',
    'Dumping the contents of table "t" failed: PQgetResult() failed. detail: ERROR:  timeout expired',
    'error message from server: ERROR:  snapshot "a" does not exist',
    `${connection}FATAL:  password authentication failed for user "timeout expired"`,
    `${connection}Connection refused`,
  ])('no: %s', error => {
    expect(isForTheSession(error)).toBe(false)
  })
})
