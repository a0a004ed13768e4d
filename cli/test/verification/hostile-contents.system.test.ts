import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePostgresUrl } from '@telegram-backup/connectors/postgres/connection.ts'
import { drillDatabase } from '@telegram-backup/connectors/postgres/drill/drill-database.ts'
import { SourceSession } from '@telegram-backup/connectors/postgres/dump/source-session.ts'
import { scratchIn } from '@telegram-backup/engine/proof/scratch.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let server: PostgresServer
/** Where every account of the machine may write. */
let open: string
let stateFolder: string

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  open = await mkdtemp(join(tmpdir(), 'hostile-contents-'))
  stateFolder = await mkdtemp(join(tmpdir(), 'hostile-contents-'))
  await chmod(open, 0o777)
})

afterAll(async () => {
  await server.stop()
  for (const folder of [open, stateFolder]) await rm(folder, { recursive: true, force: true })
})

const TABLES = `create table honest (n int); insert into honest values (1), (2);
create table acting (n int); insert into acting values (1);
create table raising (n int); insert into raising values (1);
create table settings (f float8, t timestamptz); insert into settings values (0.1, '2026-01-01 00:00:00+00');
select lo_from_bytea(4711, 'a large object');`

it('functions that a dump lets indexes call run with no rights while it is hashed, and hide nothing', async () => {
  await server.sql('postgres', 'create database source')
  await server.sql('source', TABLES)
  const session = await SourceSession.begin(parsePostgresUrl(server.url('source')), undefined)
  const contents = await session.contents(
    {
      ...({ format: 'plain', proof: 'fast', lockTimeoutMs: 0 } as const),
      ...{ schemas: [], excludeSchemas: [], tables: [], excludeTables: [], excludeTableData: [] },
    },
    { dumpEnded: Promise.resolve(), partsSent: new Promise(() => {}) },
  )
  expect(contents?.hashes).toMatchObject({ tables: { length: 4 }, left_out: [], large_objects: { rows: 1 } })
  const stolen = join(open, 'stolen')
  const dump = `${TABLES}
    create function isreader() returns boolean language sql stable as $f$ select pg_catalog.pg_has_role(current_user, 'pg_read_all_data', 'MEMBER') $f$;
    create function act(int) returns int language plpgsql immutable as $f$
    begin
      if public.isreader() then
        begin copy (select 1) to program 'touch ${stolen}'; exception when others then null; end;
        begin execute 'set role postgres'; exception when others then null; end;
        begin execute 'set transaction read write'; exception when others then null; end;
        begin insert into public.honest values (3); exception when others then null; end;
        begin delete from public.honest; exception when others then null; end;
        begin perform pg_catalog.lo_put(4711, 0, 'x'); exception when others then null; end;
      end if;
      return 1;
    end $f$;
    create function fail(int) returns int language plpgsql immutable as $f$
    begin if public.isreader() then raise exception 'not for readers'; end if; return 1; end $f$;
    create function set_all(int) returns int language plpgsql immutable as $f$
    begin
      perform pg_catalog.set_config('extra_float_digits', '-9', false), pg_catalog.set_config('timezone', 'Asia/Tokyo', false);
      return 1;
    end $f$;
    create index on acting ((act(1) + n)); create index on raising ((fail(1) + n)); create index on settings ((set_all(1) + f));`
  const drilled = await drillDatabase(
    {
      id: 'b',
      size: dump.length,
      source: { kind: 'postgres', contents: { ...contents, objects: {} } } as never,
    },
    {
      ...{ on: undefined, createRoles: false, trustDump: false, scratch: scratchIn(stateFolder) },
      ...{ signal: new AbortController().signal, members: async () => undefined },
      open: async function* () {
        yield Buffer.from(dump)
      },
    },
  )
  expect(existsSync(stolen), 'nothing was run').toBe(false)
  expect(drilled.not_covered, 'it runs as the reader, whom it can refuse').toEqual([
    { table: 'public.raising', reason: 'in the drill, the server could not hash it' },
  ])
  const different = drilled.differences.map(({ object }) => object)
  expect(different, 'the settings are those of its own session: at worst a false alarm').not.toContain(
    'public.honest',
  )
  expect(different).not.toContain('public.acting')
  expect(different).not.toContain('large objects')
})
