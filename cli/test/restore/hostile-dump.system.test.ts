import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findClientPrograms } from '@telegram-backup/connectors/postgres/client-programs.ts'
import { parsePostgresUrl } from '@telegram-backup/connectors/postgres/connection.ts'
import {
  type DatabasePlan,
  planDatabaseRestore,
} from '@telegram-backup/connectors/postgres/restore/database-plan.ts'
import { restoreInOneTransaction } from '@telegram-backup/connectors/postgres/restore/restore-database.ts'
import {
  openRestoreBench,
  type RestoreBench,
  waitUntil,
} from '@telegram-backup/test-support/restore-bench.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

// Dumps that want to get out: out of the transaction, or into a shell of the machine that restores. Whoever
// wrote them owns the target and is no superuser. What is looked at is what they left: tables, and files.

let server: PostgresServer
let url: string
let folder: string
let plan: DatabasePlan

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  await server.sql('postgres', `create role mallory login password 'm'`)
  await makeTarget()
  url = server.url('target').replace(/\/\/[^@]*@/, '//mallory:m@')
  folder = await mkdtemp(join(tmpdir(), 'hostile-dump-'))
  plan = await planDatabaseRestore({ source: { kind: 'postgres' }, size: 0 }, parsePostgresUrl(url), {
    ...{ overwrite: false, keepOld: false, createRoles: false, signal: new AbortController().signal },
  })
})

afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

async function makeTarget(): Promise<void> {
  await server.sql('postgres', 'drop database if exists target')
  await server.sql('postgres', 'create database target owner mallory')
}

beforeEach(makeTarget)

const tablesLeft = (database = 'target'): Promise<string> =>
  server.sql(
    database,
    `select coalesce(string_agg(relname, ' '), '') from pg_class where relname like 'evil%'`,
  )
const traceOf = (): string => join(folder, 'trace')

/**
 * For whoever reads backslashes in '' as escapes, all of `sql` is text of its own; for others it is inside
 * of a string, and the other way round.
 */
const smuggled = (sql: string): string => `SELECT 'a\\', '; ${sql}; SELECT 'x'; --'\n;\n`

const GUARD_OFF = 'DELETE FROM pg_temp.telegram_backup_guard; COMMIT; CREATE TABLE evil ()'
const SMUGGLERS: ReadonlyArray<[string, string]> = [
  [
    'a setting that is set by a function',
    `SELECT set_config('standard_conforming_strings', 'off', false);\n`,
  ],
  ['a setting that is set round a comment', 'SET/**/standard_conforming_strings=off;\n'],
]

describe('nothing of a dump stays, and the restore fails, when it breaks after a COMMIT that came by', () => {
  let bench: RestoreBench
  beforeAll(async () => {
    bench = await openRestoreBench()
  })
  afterAll(() => bench.close())

  it.each([
    ...SMUGGLERS.map(([name, off]): [string, string] => [name, off + smuggled(GUARD_OFF)]),
    [
      'a COPY that is none for psql',
      `CREATE TABLE c (a text);\nCOPY c FROM stdout;\nSELECT '\n\\.\n${GUARD_OFF}; SELECT 1; --'\n;\n`,
    ],
    [
      'a string that does not go on',
      `SELECT E'a' 'b\\'; DELETE FROM pg_temp.telegram_backup_guard; COMMIT; CREATE TABLE evil (); SELECT ';\n`,
    ],
    [
      'a procedure',
      'CREATE PROCEDURE p() LANGUAGE plpgsql AS $$BEGIN COMMIT; CREATE TABLE evil (); END$$;\nCALL p();\n',
    ],
    ['a block', 'DO $$BEGIN COMMIT; CREATE TABLE evil (); END$$;\n'],
    ['two statements in one', `DO $$BEGIN EXECUTE 'COMMIT; CREATE TABLE evil ()'; END$$;\n`],
  ])('%s', async (_, attack) => {
    const file = join(bench.vault.folder, 'attack.sql')
    await writeFile(file, `CREATE TABLE evil_first ();\n${attack}\nSELECT 1/0;\n`)
    const backup = await bench.send('--file', file)
    const run = await bench.cli(['restore', backup.id, '--to', url, '--yes', '--json'])
    expect(await tablesLeft()).toBe('')
    expect(run.code, run.stdout).toBe(1)
    expect(run.json()).toMatchObject({ success: false })
  })
})

/** Restores a text that is never verified to its end, by a psql that obeys its own commands. */
async function restoreBroken(text: string, psql = plan.psql): Promise<unknown> {
  return await restoreInOneTransaction(
    { ...plan, psql: { ...psql, version: `${psql.major}.0` } },
    {
      connection: plan.connection,
      session: 'telegram-backup restore test',
      signal: new AbortController().signal,
      open: async function* () {
        yield Buffer.from(text, 'latin1')
        throw new Error('not verified')
      },
    },
  ).catch((error: unknown) => error)
}

/** What would make a table that stays, or a file. */
function plants(): string[] {
  const touch = `touch ${traceOf()}`
  return [
    'COMMIT; CREATE TABLE evil ();',
    'END; CREATE TABLE evil (); --',
    'ROLLBACK; CREATE TABLE evil ();',
    `\n\\! ${touch}\n`,
    `\n\\o |${touch}\nSELECT 1;\n`,
    ` SELECT 1 \\g |${touch}\n`,
    `SELECT 'COMMIT', 'CREATE TABLE evil ()' \\gexec\n`,
    `\\set a '; COMMIT; CREATE TABLE evil ()'\nSELECT 1 :a ;\n`,
    '\n\\.\nCOMMIT; CREATE TABLE evil ();\n',
  ]
}

const LEXICAL = [
  ...[
    "'",
    '"',
    '$$',
    '$a$',
    '$',
    '--',
    '/*',
    '*/',
    '\\',
    ';',
    '(',
    ')',
    '\n',
    '\r',
    '\r\n',
    ' ',
    'E',
    'e',
    'U&',
    'B',
    'X',
    'N',
  ],
  ...[
    ':a',
    ":'a'",
    ':"a"',
    '1',
    '1e',
    'x',
    '@',
    '+--',
    '*/*',
    '\\.',
    '\n\\.\n',
    '\u0083',
    '\u00e2\u0082',
    '\u008e',
    '\u0081',
  ],
  ...["E'a' 'b\\'", "E'a'\n'b\\'", "U&'\\", 'BEGIN ATOMIC', 'END', 'CASE', '$_1$', '\u00e9$a$'],
]
const STATEMENTS = [
  'CREATE TABLE t (a text);\n',
  'CREATE TABLE "\u00e9" (a text);\n',
  'COPY t FROM stdin;\n',
  'COPY "t" ("a") FROM stdin;\na\n\\.\n',
  'COPY "\u00e9" FROM stdin;\n',
  'COPY "\u0083" FROM stdin;\n',
  'COPY t FROM stdout;\n',
  'COPY t TO stdout;\n',
  "INSERT INTO t VALUES ('a');\n",
  "INSERT INTO t VALUES ('a\\');\n",
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;\n',
  "SELECT set_config('standard_conforming_strings', 'off', false);\n",
  'SET/**/standard_conforming_strings=off;\n',
  'SET standard_conforming_strings = off;\n',
  'SET standard_conforming_strings = on;\n',
  "SET client_encoding = 'SJIS';\n",
  "SET client_encoding = 'GB18030';\n",
  "SET client_encoding = 'LATIN1';\n",
  "SELECT set_config('client_encoding', 'BIG5', false);\n",
]

describe('whatever a text is made of,', () => {
  it('no statement of it runs outside of the transaction, and none of its commands at all', {
    timeout: 900_000,
  }, async () => {
    const psqls = (await findClientPrograms('psql')).filter(({ major }) => major >= 13)
    const plant = fc.constantFrom(...plants())
    const soup = fc.array(fc.oneof(fc.constantFrom(...LEXICAL), plant), { minLength: 1, maxLength: 8 })
    const hidden = fc.tuple(
      fc.constantFrom(
        "SELECT '",
        "SELECT E'",
        'SELECT "',
        'SELECT $a$',
        '/*',
        '--',
        "SELECT U&'",
        '(',
        'COPY t FROM stdin;\n',
      ),
      soup.map(pieces => pieces.join('')),
      fc.constantFrom("';\n", '";\n', '$a$;\n', '*/\n', '\n', ');\n', '\n\\.\n'),
    )
    const piece = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...STATEMENTS) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(fc.constantFrom('', ...SMUGGLERS.map(([, off]) => off)), plant.map(smuggled))
          .map(texts => texts.join('')),
      },
      { weight: 2, arbitrary: hidden.map(pieces => pieces.join('')) },
      { weight: 1, arbitrary: plant },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 10 }), fc.nat(), async (pieces, at) => {
        await rm(traceOf(), { force: true })
        const failure = await restoreBroken(pieces.join(''), psqls[at % psqls.length])
        expect(failure).toBeInstanceOf(Error)
        expect(await tablesLeft()).toBe('')
        expect(existsSync(traceOf())).toBe(false)
      }),
      { numRuns: 150 },
    )
  })
})

it('a restore has failed where it left nothing, and only there, whoever floods the psql of a dump that listens', async () => {
  await server.sql(
    'target',
    `create schema noise; create procedure noise.make() language plpgsql as $$ begin
       loop
         for n in 1..3 loop perform pg_notify('noise', n || repeat('x', 7000)); end loop;
         commit;
         perform pg_sleep(0.0005);
       end loop;
     end $$`,
  )
  const making = [1, 2].map(() => server.sql('target', 'call noise.make()').catch(() => {}))
  const made = `select count(*) from pg_stat_activity where query = 'call noise.make()'`
  try {
    await waitUntil(async () => (await server.sql('postgres', made)) === '2')
    for (let round = 0; round < 6; round++) {
      const restored = restoreInOneTransaction(plan, {
        ...{ connection: plan.connection, session: 'telegram-backup restore test' },
        signal: new AbortController().signal,
        open: async function* () {
          yield Buffer.from(`CREATE TABLE round_${round} ();\nLISTEN noise;\n`)
        },
      })
      const isRestored = await restored.then(
        () => true,
        () => false,
      )
      const isThere = `select count(*) from pg_class where relname = 'round_${round}'`
      expect(await server.sql('target', isThere)).toBe(isRestored ? '1' : '0')
    }
  } finally {
    await server.sql(
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where query = 'call noise.make()'`,
    )
    await Promise.all(making)
  }
})
