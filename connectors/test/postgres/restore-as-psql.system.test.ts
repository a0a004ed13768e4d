import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { planDatabaseRestore } from '#postgres/restore/database-plan.ts'
import { restoreInOneTransaction } from '#postgres/restore/restore-database.ts'

// What pg_dump writes, in all its ways, comes back as psql would bring it back.

const run = promisify(execFile)
let server: PostgresServer
let folder: string

const UTF8 = ['--encoding=UTF8']

/** Texts at which a dump could be cut wrong, all of them legal. */
const AWKWARD = `
create table "odd; ""name""
in two lines" ("a;b" text default 'it''s; \\', "--c" int check ("--c" > -1 - -2 /* ; /* */ */));
insert into "odd; ""name""
in two lines" values (E'a\\\\b\\ttab\\nline', 3), ('\\.', 4), ('$$;', 5), (E'\\\\.\\r\\n', 6), ('', 7), (null, 8);
comment on table "odd; ""name""
in two lines" is E'back\\\\slash '' and ; COMMIT; \\n\\\\! id';
create function dollars() returns text language plpgsql as $a$begin return $$it's; $b$ COMMIT; $b$ $$; /* ( */ end$a$;
create function atomic(n int) returns int language sql
  begin atomic select case when n > 0 then 1 else 2 end; select case n when 1 then 2 end; end;
create procedure atomic_too() language sql begin atomic select 1; end;
create rule several as on insert to "odd; ""name""
in two lines" do also (select 1; select 2;);
create view strings as select E'a\\\\b' as a, '\\' as b, ';' as c, U&'\\0041' as d, e'\\'' as e;
create table empty_one (); insert into empty_one default values;
select lo_from_bytea(7001, repeat('large;', 20000)::bytea), lo_from_bytea(7002, ''), lo_from_bytea(7003, '\\x00ff5c2e0a');
`

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  folder = await mkdtemp(join(tmpdir(), 'restore-as-psql-'))
  await server.sql(
    'postgres',
    `create database source; create database latin template template0 encoding latin1 lc_collate 'C' lc_ctype 'C'; create database japan template template0 encoding euc_jp lc_collate 'C' lc_ctype 'C'`,
  )
  await server.sql('source', AWKWARD)
  await server.sql(
    'latin',
    `set client_encoding = 'UTF8'; create table "größe" ("übel" text); insert into "größe" values ('Straße; \\'), ('ÿ''');`,
  )
  await server.sql(
    'japan',
    `set client_encoding = 'UTF8'; create table plain (a text); insert into plain values ('表示ソ; 能'), ('ソ''\\');`,
  )
})

afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

it.each([
  ['source', [], {}],
  ['source', ['-Fc'], {}],
  ['source', ['--inserts'], {}],
  ['source', ['--column-inserts', '--rows-per-insert=7'], {}],
  ['source', ['--inserts'], { PGOPTIONS: '-c standard_conforming_strings=off' }],
  ['source', [], { PGOPTIONS: '-c standard_conforming_strings=off' }],
  ['source', ['--quote-all-identifiers', '--disable-dollar-quoting', '--use-set-session-authorization'], {}],
  ['source', ['--clean', '--if-exists'], {}],
  ['latin', [], {}],
  ['latin', ['--encoding=UTF8'], {}],
  ['japan', [], {}],
  ['japan', ['--encoding=SJIS'], {}],
  ['japan', ['--encoding=SJIS', '--inserts'], {}],
] as const)('a dump of %s with %j and %j', async (source, options, environment) => {
  const file = join(folder, 'dump')
  const { path: pgDump } = await newestClientProgram('pg_dump')
  await run(pgDump, [...options, '-f', file, '-d', server.url(source)], {
    env: { ...process.env, ...environment },
  })
  const like =
    source === 'source'
      ? ''
      : ` template template0 encoding ${source === 'latin' ? 'latin1' : 'euc_jp'} lc_collate 'C' lc_ctype 'C'`
  await server.sql('postgres', `create database by_psql${like}; `)
  await server.sql('postgres', `create database by_us${like}`)
  try {
    const [tool, args] = options.some(option => option === '-Fc')
      ? (['pg_restore', ['-d', server.url('by_psql'), file]] as const)
      : (['psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', server.url('by_psql'), '-f', file]] as const)
    await run((await newestClientProgram(tool)).path, args, { maxBuffer: 2 ** 28 })
    const { signal } = new AbortController()
    const plan = await planDatabaseRestore(
      { source: { kind: 'postgres' }, size: 0 },
      parsePostgresUrl(server.url('by_us')),
      {
        ...{ overwrite: false, keepOld: false, createRoles: false, signal },
      },
    )
    await restoreInOneTransaction(plan, {
      ...{ connection: plan.connection, session: 'telegram-backup restore test', signal },
      open: () => createReadStream(file, { highWaterMark: 1009 }),
    })
    const [ours, others] = [
      await dumpOf(server.url('by_us'), UTF8),
      await dumpOf(server.url('by_psql'), UTF8),
    ]
    expect(ours.length).toBeGreaterThan(500)
    // Not by expect: the texts are long.
    expect(ours === others, 'the dumps are equal').toBe(true)
  } finally {
    await server.sql('postgres', 'drop database by_psql')
    await server.sql('postgres', 'drop database by_us')
  }
})
