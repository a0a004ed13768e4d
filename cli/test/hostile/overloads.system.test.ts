import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Planted, plantOverloads, ranOf } from '#test/hostile/planter.ts'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

let server: PostgresServer
let bench: RestoreBench
let folder: string
/** Planted where a stranger may create, but owns nothing. */
let atHome: Planted

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
  folder = await mkdtemp(join(tmpdir(), 'hostile-'))
  // So that the server's user can leave something in it.
  await chmod(folder, 0o777)
  await server.sql(
    'postgres',
    `create role mallory; create database hostile owner mallory; create database target owner mallory;
     create database source; grant create on schema public to mallory`,
  )
  await server.sql('source', `create table rows as select n from generate_series(1, 100) n`)
  atHome = await plant('postgres', false)
})

afterAll(async () => {
  await bench.close()
  await server.stop()
  await rm(folder, { recursive: true })
})

const plant = (database: string, ownsDatabase: boolean): Promise<Planted> =>
  plantOverloads({ run: sql => server.sql(database, sql), role: 'mallory', ownsDatabase })

/** What of it has run in the meantime. */
async function ranDuring(planted: readonly Planted[], act: () => Promise<void>): Promise<string[]> {
  const { length } = await server.log()
  await act()
  const log = (await server.log()).slice(length)
  return planted.flatMap(one => ranOf(one, log))
}

/** Somebody else's function that leaves a file as the server's user, which READ ONLY does not stop. */
const leaves = (file: string): string => `copy (select 1) to program 'touch ${join(folder, file)}';`

describe('nothing that a role without rights has planted runs', () => {
  it('in a source that a superuser backs up, counts and all', async () => {
    const planted = await plant('hostile', true)
    const ran = await ranDuring([planted], async () => {
      const backup = await bench.send('--postgres', server.url('hostile'))
      const contents = backup.source?.['contents'] as { rows: unknown[] }
      expect(contents.rows).toContainEqual(['public', 'planted_rows', 2])
    })
    expect(ran).toEqual([])
  })

  it('in a target, where the restore is refused and where it is not', async () => {
    const backup = await bench.send('--postgres', server.url('source'))
    const planted = await plant('target', true)
    const ran = await ranDuring([planted, atHome], async () => {
      const refused = await bench.cli(['restore', backup.id, '--to', server.url('target'), '--yes'])
      expect(refused.stderr).toContain('The database target is not empty')
      const run = await bench.cli([
        'restore',
        backup.id,
        '--to',
        server.url('target'),
        '--overwrite',
        '--yes',
      ])
      expect(run.code, run.stderr).toBe(0)
    })
    expect(ran).toEqual([])
    expect(await server.sql('target', 'select count(*) from rows')).toBe('100')
  })

  it('on the server of a drill', async () => {
    const backup = await bench.send('--postgres', server.url('source'))
    const ran = await ranDuring([atHome], async () => {
      const run = await bench.cli(['verify', backup.id, '--drill', '--on', server.url('postgres')])
      expect(run.code, run.stderr).toBe(0)
    })
    expect(ran).toEqual([])
  })
})

it('a function that stands in for to_json in a source gets no shell by a backup', async () => {
  await server.sql('postgres', 'create database shop owner mallory')
  await server.sql(
    'shop',
    `set session authorization mallory;
     create function public.to_json(text) returns json language plpgsql as $$ begin ${leaves('to_json')} return null; end $$`,
  )
  await bench.send('--postgres', server.url('shop'))
  expect(existsSync(join(folder, 'to_json'))).toBe(false)
})

it('a function in the predicate of an index gets no shell by the count of a backup, and the rows are counted', async () => {
  await server.sql('postgres', 'create database orders owner mallory')
  await server.sql(
    'orders',
    `set session authorization mallory;
     create function public.grab() returns int language plpgsql as $$ begin ${leaves('predicate')} return 1; end $$;
     create function public.always() returns boolean immutable language plpgsql as $$ begin
       if current_user <> 'mallory' then perform public.grab(); end if; return true; end $$;
     create table orders as select n from generate_series(1, 5) n; create index on orders (n) where public.always()`,
  )
  const backup = await bench.send('--postgres', server.url('orders'))
  expect(existsSync(join(folder, 'predicate'))).toBe(false)
  expect(backup.source?.['contents']).toMatchObject({ counted: 1, rows: [['public', 'orders', 5]] })
})

it('a function that stands in for to_jsonb in a target gets no shell by a restore', async () => {
  const backup = await bench.send('--postgres', server.url('source'))
  await server.sql('postgres', 'create database theirs owner mallory')
  await server.sql(
    'theirs',
    `set session authorization mallory;
     create function public.to_jsonb(pg_catalog.pg_database) returns jsonb language plpgsql as $$ begin ${leaves('to_jsonb')} return null; end $$`,
  )
  for (const more of [[], ['--overwrite']])
    await bench.cli(['restore', backup.id, '--to', server.url('theirs'), '--yes', ...more])
  expect(existsSync(join(folder, 'to_jsonb'))).toBe(false)
})
