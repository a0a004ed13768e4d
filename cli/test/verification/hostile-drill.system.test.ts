import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onOwnServer } from '@telegram-backup/connectors/postgres/drill/own-server.ts'
import { rehearseDatabase } from '@telegram-backup/connectors/postgres/drill/rehearse-database.ts'
import { queryJson } from '@telegram-backup/connectors/postgres/psql.ts'
import { scratchIn } from '@telegram-backup/engine/proof/scratch.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DrillBench, openDrillBench } from '#test/verification/drill-bench.ts'

let bench: DrillBench
/** Where every account of the machine may write. */
let open: string

beforeAll(async () => {
  bench = await openDrillBench()
  open = await mkdtemp(join(tmpdir(), 'hostile-drill-'))
  await chmod(open, 0o777)
  await bench.server.sql('postgres', `create role mallory; create database hers owner mallory`)
})

afterAll(async () => {
  await bench.close()
  await rm(open, { recursive: true })
})

/** As the owner of her database, and nothing more. */
async function plant(sql: string): Promise<void> {
  await bench.server.sql(
    'hers',
    `set session authorization mallory; drop owned by mallory; create schema if not exists own; ${sql}`,
  )
}

/** A function that is harmless until `victim` was filled, so that a dump holds both. */
const callsProgram = (program: string): string => `
  create function own.check_it(int) returns boolean language sql as 'select true';
  create table own.victim (x int check (own.check_it(x)));
  insert into own.victim values (1);
  create or replace function own.check_it(int) returns boolean language plpgsql as $f$
  begin copy (select 1) to program '${program}'; return true; end $f$;`

it('a program that a CHECK of a dump calls is not run, and the drill has not passed', async () => {
  const stolen = join(open, 'stolen')
  await plant(callsProgram(`cat ${bench.env['BACKUP_AGE_IDENTITY_FILE']} > ${stolen}; id >> ${stolen}`))
  const backup = await bench.send('--postgres', bench.server.url('hers'))
  const { code, report, stderr } = await bench.drill(backup.id)
  expect(existsSync(stolen), 'nothing was run').toBe(false)
  expect(report.drill?.state, stderr).toBe('failed')
  expect({ code, answer: report.code }).toEqual({ code: 2, answer: 'CONFIGURATION' })
  expect(report.hint, 'whoever attacks is not to be trusted by the next command').not.toContain(
    '--trust-dump',
  )
  expect(report.hint).toContain('Find out who wrote it')
  expect((await bench.show(backup.id)).damaged_at).toBeNull()
})

it('nor one that an index calls when the rows are counted', async () => {
  const stolen = join(open, 'counted')
  // On the server of the drill alone: what the counting of a send runs is another matter.
  await plant(`
    create function own.act() returns void language plpgsql as $f$
    begin
      if current_user ~ '^(drill|catalog)' then copy (select 1) to program 'touch ${stolen}'; end if;
    exception when insufficient_privilege then null; end $f$;
    create function own.constant(int) returns int language plpgsql immutable as $f$
    begin perform own.act(); return 1; end $f$;
    create table own.counted (x int); insert into own.counted values (1);
    create index on own.counted ((own.constant(1) + x));`)
  const backup = await bench.send('--postgres', bench.server.url('hers'))
  const { report, stderr } = await bench.drill(backup.id)
  expect(report.drill?.state, stderr).toBe('passed')
  expect(existsSync(stolen), 'nothing was run').toBe(false)
})

it('what a dump tries on the server of a drill gives it no more than its own database', async () => {
  const signal = new AbortController().signal
  const file = join(open, 'written')
  await writeFile(join(open, 'read'), '1\n')
  const tried = await onOwnServer(
    scratchIn(bench.env['TELEGRAM_BACKUP_HOME'] ?? ''),
    { sizeBytes: 1, signal },
    own =>
      rehearseDatabase(
        {
          ...{
            backup: { id: 'b', source: { kind: 'postgres', roles: ['postgres'] }, size: 1 },
            connection: own.superuser,
          },
          ...{ as: own, createRoles: true, mayDifferInLocale: true, signal },
          open: async function* () {
            yield Buffer.from(
              attempts({
                file,
                read: join(open, 'read'),
                socket: new URLSearchParams(own.superuser.uri.split('?')[1]).get('host') ?? '',
              }),
            )
          },
        },
        async (connection, psql) =>
          await queryJson(connection, `select to_json(array(select how from public.tried where done))`, {
            psql,
            signal,
          }),
      ),
  )
  expect(tried.seen).toEqual(['create table public.a_control_of_the_test ()'])
  expect(existsSync(file), 'no file was written').toBe(false)
})

it('no version of an extension that a dump makes runs what was planted where it is made', async () => {
  const signal = new AbortController().signal
  const { seen } = await onOwnServer(
    scratchIn(bench.env['TELEGRAM_BACKUP_HOME'] ?? ''),
    { sizeBytes: 1, signal },
    own =>
      rehearseDatabase(
        {
          ...{
            backup: { id: 'b', source: { kind: 'postgres', roles: [] }, size: 1 },
            connection: own.superuser,
          },
          ...{ as: own, createRoles: true, mayDifferInLocale: true, signal },
          open: async function* () {
            yield Buffer.from(EXTENSIONS_AMONG_DOUBLES)
          },
        },
        async (connection, psql) =>
          await queryJson(
            connection,
            `select pg_catalog.jsonb_build_object(
              'as_another', (select is_called from own.ran_as_another),
              'ran', (select array(select distinct who from own.ran order by who)),
              'made', (select array(select distinct name from own.made order by name)),
              'doubles', (select count(*) > 300 from pg_catalog.pg_proc where pronamespace = 'own'::regnamespace))`,
            { psql, signal },
          ),
      ),
  )
  const { made, ...others } = seen as { made: string[] }
  expect(others).toEqual({ ran: ['the dump'], as_another: false, doubles: true })
  expect(made).toEqual(expect.arrayContaining(['citext', 'cube', 'earthdistance', 'hstore', 'pageinspect']))
})

/**
 * Doubles of PostgreSQL's own functions and operators, for other types too, in the schema where each version
 * of each extension is made and updated. They write down with whose rights they ran; by the dump itself,
 * once, to see that they do.
 */
const EXTENSIONS_AMONG_DOUBLES = `create schema own;
create table own.ran (who text);
create table own.made (name text, version text);
grant all on own.ran to public;
create sequence own.ran_as_another;
create function own.act() returns void language plpgsql as $f$ begin
  -- A sequence tells of it also where all else is undone.
  if current_user <> session_user then perform nextval('own.ran_as_another'); end if;
  insert into own.ran values (case when current_user = session_user then 'the dump' else current_user end);
end $f$;
do $$ declare one record; way record; begin
  for one in
    select distinct p.proname, v.args from pg_catalog.pg_proc p,
      lateral (values (pg_catalog.oidvectortypes(p.proargtypes)), (replace(pg_catalog.oidvectortypes(p.proargtypes), 'text', 'name')),
        (replace(pg_catalog.oidvectortypes(p.proargtypes), 'double precision', 'integer')), (replace(pg_catalog.oidvectortypes(p.proargtypes), 'any', 'text'))) v (args)
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname in ('abs', 'acos', 'asin', 'atan2', 'cos', 'sin', 'degrees', 'radians', 'pi', 'format',
      'quote_ident', 'current_schema', 'current_setting', 'set_config', 'array_to_string', 'array_length', 'array_agg', 'replace', 'unnest', 'to_regprocedure',
      'text', 'name', 'int4', 'int8', 'float8', 'numeric', 'strpos', 'lower', 'translate', 'regexp_replace', 'generate_series', 'length', 'substr')
  loop begin
    execute format('create function own.%I(%s) returns text language plpgsql as $f$ begin perform own.act(); return null; end $f$', one.proname, one.args);
  exception when others then null; end; end loop;
  for one in
    select o.oprname, l.t as left_type, r.t as right_type, 'op_' || row_number() over () as name
    from (select distinct oprname from pg_catalog.pg_operator where oprname in ('||', '=', '<>', '<', '<=', '>', '>=', '+', '-', '*', '/', '~')) o,
      (values ('text'), ('name'), ('integer'), ('double precision'), ('oid'), ('regproc'), ('"char"'), ('regprocedure')) l (t),
      (values ('text'), ('name'), ('integer'), ('double precision'), ('oid'), ('regproc'), ('"char"'), ('regprocedure')) r (t)
  loop
    execute format('create function own.%I(%s, %s) returns boolean language plpgsql as $f$ begin perform own.act(); return null; end $f$', one.name, one.left_type, one.right_type);
    execute format('create operator own.%s (function = own.%I, leftarg = %s, rightarg = %s)', one.oprname, one.name, one.left_type, one.right_type);
  end loop;
  perform 'a'::name operator(own.||) 1;
  for one in select name, version from pg_catalog.pg_available_extension_versions where name <> 'plpgsql' order by name, version loop begin
    execute format('create extension %I schema own version %L cascade', one.name, one.version);
    for way in select u.target from pg_catalog.pg_extension_update_paths(one.name) u where u.source = one.version and u.path is not null loop begin
      execute format('alter extension %I update to %L', one.name, way.target);
      insert into own.made values (one.name, way.target);
    exception when others then null; end; end loop;
    insert into own.made values (one.name, one.version);
    execute format('drop extension %I cascade', one.name);
  exception when others then null; end; end loop;
end $$;
`

/** Each is tried by itself; that it went well is written down. */
function attempts({ file, read, socket }: { file: string; read: string; socket: string }): string {
  const tries = [
    'create table public.a_control_of_the_test ()',
    'set session authorization SUPERUSER',
    'set role SUPERUSER',
    'grant SUPERUSER to current_user',
    'alter role current_user superuser',
    'alter role postgres superuser',
    'create role another superuser',
    'create role another login',
    'set role pg_execute_server_program',
    'grant pg_read_server_files to current_user',
    `copy (select 1) to program 'touch ${file}'`,
    `copy (select 1) to '${file}'`,
    `copy public.tried (how) from program 'id'`,
    `copy public.tried (how) from '${read}'`,
    `select pg_catalog.pg_read_file('${read}')`,
    `select pg_catalog.pg_ls_dir('/')`,
    `select pg_catalog.lo_import('${read}')`,
    `select pg_catalog.lo_export(pg_catalog.lo_from_bytea(0, 'x'), '${file}')`,
    `alter system set archive_command = 'touch ${file}'`,
    `load '/lib/x86_64-linux-gnu/libc.so.6'`,
    `create function public.run(cstring) returns int language c as 'libc.so.6', 'system'`,
    `create function public.inside(text) returns text language internal as 'pg_read_file_all'`,
    'create extension dblink',
    'create extension file_fdw',
    'create extension plperlu',
    'create extension plpython3u',
    'create extension xml2',
    'create extension adminpack',
    `create subscription s connection 'host=SOCKET user=SUPERUSER dbname=postgres' publication p`,
    'alter foreign data wrapper postgres_fdw handler public.postgres_fdw_handler',
    'create foreign data wrapper mine handler public.postgres_fdw_handler',
    `select 1 from public.through`,
    `insert into public.through values (1)`,
    `import foreign schema public from server back into public`,
    `update pg_catalog.pg_authid set rolsuper = true`,
    `select 1 from pg_catalog.pg_authid`,
    `create tablespace t location '${file}'`,
    `create event trigger e on ddl_command_end execute function public.ended()`,
  ]
  return `create table public.tried (how text, done boolean);
create extension postgres_fdw;
create function public.ended() returns event_trigger language plpgsql as 'begin end';
do $$ declare
  superuser text := (select rolname from pg_catalog.pg_roles where rolsuper order by oid limit 1);
  socket text := '${socket}';
  how text;
begin
  create server back foreign data wrapper postgres_fdw options (dbname 'postgres');
  execute pg_catalog.format('alter server back options (add host %L)', socket);
  execute pg_catalog.format('create user mapping for current_user server back options ("user" %L, password %L)', superuser, 'x');
  create foreign table public.through (rolname text) server back options (schema_name 'pg_catalog', table_name 'pg_authid');
  foreach how in array array[${tries.map(text => `'${text.replaceAll("'", "''")}'`).join(', ')}] loop
    begin
      execute replace(replace(how, 'SUPERUSER', pg_catalog.quote_ident(superuser)), 'SOCKET', socket);
      reset role;
      insert into public.tried values (how, true);
    exception when others then
      insert into public.tried values (how || ': ' || sqlerrm, false);
    end;
  end loop;
end $$;
`
}
