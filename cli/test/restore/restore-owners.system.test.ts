import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import {
  dumpOf,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

const SHOP = `
create schema sales authorization "old shop";
create table sales.customer (id int primary key, name text); alter table sales.customer owner to "old shop";
insert into sales.customer values (1, 'alter table x owner to "old shop";');
grant select on sales.customer to reader;
create policy mine on sales.customer to reader using (true);
alter default privileges for role "old shop" in schema sales grant select on tables to reader`

const OWNER = `select tableowner from pg_tables where schemaname = 'sales'`

describe.each(['15', '17'])('owners and privileges on PostgreSQL %s', major => {
  let source: PostgresServer
  let target: PostgresServer
  let bench: RestoreBench
  const backups: Record<string, string> = {}

  beforeAll(async () => {
    source = await startPostgresServer(`/usr/lib/postgresql/${major}/bin`)
    target = await startPostgresServer(`/usr/lib/postgresql/${major}/bin`)
    bench = await openRestoreBench()
    await source.sql('postgres', 'create role "old shop"; create role reader; create database source')
    await source.sql('source', SHOP)
    await target.sql('postgres', 'create role shop; create role audit')
    for (const format of ['plain', 'custom'])
      backups[format] = (await bench.send('--postgres', source.url('source'), '--format', format)).id
  })

  afterAll(async () => {
    await bench?.close()
    await source?.stop()
    await target?.stop()
  })

  const restore = (format: string, to: string, ...options: string[]): Promise<CliRun> =>
    bench.cli(['restore', backups[format] ?? '', '--to', target.url(to), '--yes', '--json', ...options])
  const mapped = ['--map-role', 'old shop=shop', '--map-role', 'reader=audit']

  it.each(['plain', 'custom'])('go to other roles, by a %s dump', async format => {
    const run = await restore(format, `mapped_${format}`, ...mapped)
    expect(run.code, run.stderr).toBe(0)
    expect(run.json()).toMatchObject({ remarks: [] })
    const expected = (await dumpOf(source.url('source')))
      .replaceAll('"old shop"', 'shop')
      .replaceAll('reader', 'audit')
    const dump = await dumpOf(target.url(`mapped_${format}`))
    const sorted = (text: string): string[] =>
      text
        .split('\n')
        .filter(line => !/^(--|\\)/.test(line))
        .sort()
    const rows = (text: string): string[] => sorted(text).filter(line => !line.startsWith('1\t'))
    expect(rows(dump)).toEqual(rows(expected))
    expect(dump).toContain('alter table x owner to "old shop";')
  })

  it.each(['plain', 'custom'])(
    'are left out, and all belongs to the wanted role, by a %s dump',
    async format => {
      const to = `plain_${format}`
      const options = ['--no-owner', '--no-acl', '--role', 'shop', '--map-role', 'reader=audit']
      const run = await restore(format, to, ...options)
      expect(run.code, run.stderr).toBe(0)
      expect((await target.sql(to, OWNER)).trim()).toBe('shop')
      expect(await dumpOf(target.url(to))).not.toMatch(/^(GRANT|ALTER DEFAULT)/m)
    },
  )

  it('come with a part as well', async () => {
    await target.sql('postgres', 'create database part')
    await target.sql('part', 'create schema sales')
    const run = await restore('plain', 'part', '--table', 'sales.customer', ...mapped)
    expect(run.code, run.stderr).toBe(0)
    expect((await target.sql('part', OWNER)).trim()).toBe('shop')
  })

  it('a missing role is refused before anything is fetched or made', async () => {
    const before = await target.databases()
    const fetched = bench.vault.emulator.inspect.calls('getfile')
    for (const options of [['--map-role', 'reader=nobody'], ['--role', 'nobody'], []]) {
      const run = await restore('plain', 'new', ...options)
      expect(run.code).toBe(2)
      expect(run.stderr + run.stdout).toMatch(/nobody|--no-owner.*--map-role/)
    }
    expect(await target.databases()).toEqual(before)
    expect(bench.vault.emulator.inspect.calls('getfile')).toBe(fetched)
  })
})
