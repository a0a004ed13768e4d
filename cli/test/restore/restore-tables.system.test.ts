import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import { describedTable } from '@telegram-backup/test-support/servers/described-table.ts'
import {
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { SALES } from '@telegram-backup/test-support/servers/sales-schema.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

const TABLES = [
  'sales.customer',
  'sales.measure',
  'sales.orders',
  'sales."Größe ""q"""',
  'sales."x; Type: TABLE; Schema: public"',
]

const REFUSED: ReadonlyArray<[what: string, change: string, options: string[], code: number, words: RegExp]> =
  [
    [
      'a table that is there',
      '',
      ['--table', 'sales.customer'],
      2,
      /already[\s\S]*--as sales\.customer_restored/,
    ],
    [
      'one that is not in the backup',
      '',
      ['--table', 'sales.costumer'],
      4,
      /no table sales\.costumer[\s\S]*sales\.customer/,
    ],
    ['a schema that is not empty', '', ['--schema', 'sales'], 2, /not empty/],
    ['one that is not in the backup', '', ['--schema', 'sale'], 4, /sales/],
    [
      'a missing schema',
      'drop schema sales cascade',
      ['--table', 'sales.orders'],
      2,
      /no schema sales[\s\S]*CREATE SCHEMA/,
    ],
    [
      'a type that is missing',
      'drop table sales.customer cascade; drop type sales.mood',
      ['--table', 'sales.customer'],
      1,
      /type "sales\.mood" does not exist[\s\S]*Create it/,
    ],
    [
      'a table that a foreign key needs',
      'drop table sales.customer cascade; drop table other.region',
      ['--table', 'sales.customer'],
      1,
      /"other\.region" does not exist[\s\S]*--skip-foreign-keys/,
    ],
    [
      'rows that a foreign key needs',
      'drop table sales.customer cascade; delete from other.region where id = 2',
      ['--table', 'sales.customer'],
      1,
      /violates foreign key[\s\S]*--skip-foreign-keys/,
    ],
    [
      'an heir under another name',
      '',
      ['--table', 'sales.child', '--as', 'sales.child2'],
      1,
      /still refers to sales\.orders/,
    ],
    ['no schema in the name', '', ['--table', 'customer'], 2, /public\.customer/],
    ['what replaces', '', ['--table', 'sales.customer', '--overwrite'], 2, /replaces nothing/],
    ['two names', '', ['--table', 'a.b', '--table', 'a.c', '--as', 'a.d'], 2, /Only one table/],
  ]

describe.each(['15', '17'])('from a database of PostgreSQL %s', major => {
  let server: PostgresServer
  let bench: RestoreBench
  const backups: Record<string, string> = {}
  let described: string[]

  beforeAll(async () => {
    server = await startPostgresServer(`/usr/lib/postgresql/${major}/bin`)
    bench = await openRestoreBench()
    await server.sql('postgres', 'create role reader; create role clerk; create database source')
    await server.sql('source', SALES)
    for (const format of ['plain', 'custom'])
      backups[format] = (await bench.send('--postgres', server.url('source'), '--format', format)).id
    described = await Promise.all(TABLES.map(table => describedTable(server, 'source', table)))
  })

  afterAll(async () => {
    await bench?.close()
    await server?.stop()
  })

  beforeEach(async () => {
    await server.sql('postgres', 'drop database if exists target')
    await server.sql('postgres', 'create database target template source')
  })

  const restore = (format: string, ...options: string[]): Promise<CliRun> =>
    bench.cli(['restore', backups[format] ?? '', '--to', server.url('target'), '--yes', '--json', ...options])

  it.each(['plain', 'custom'])('tables of every kind come back as they were, by a %s dump', async format => {
    await server.sql('target', `drop table ${TABLES.join(', ')} cascade`)
    const before = await dumpOf(server.url('target'))
    const run = await restore(format, ...TABLES.flatMap(table => ['--table', table]))
    expect(run.code, run.stderr).toBe(0)
    for (const [index, table] of TABLES.entries())
      expect(await describedTable(server, 'target', table)).toBe(described[index])
    await server.sql('target', `drop table ${TABLES.join(', ')} cascade`)
    expect(await dumpOf(server.url('target'))).toBe(before)
  })

  it.each(['plain', 'custom'])(
    'one comes back beside the original under another name, by a %s dump',
    async format => {
      const before = await dumpOf(server.url('target'))
      const run = await restore(format, '--table', 'sales.customer', '--as', 'sales.customer_restored')
      expect(run.code, run.stderr).toBe(0)
      expect(run.json()).toMatchObject({
        relations: expect.arrayContaining([{ name: 'sales.customer_restored', was: 'sales.customer' }]),
      })
      expect((await restore(format, '--table', 'sales.measure', '--as', 'other.measure_restored')).code).toBe(
        0,
      )
      const restored = [
        await describedTable(server, 'target', 'sales.customer_restored'),
        await describedTable(server, 'target', 'other.measure_restored'),
      ]
      expect(restored.map(plainNames)).toEqual(described.slice(0, 2).map(plainNames))
      await server.sql('target', 'insert into sales.customer_restored (region_id) values (1)')
      const next = 'select last_value from sales.customer_code_seq'
      expect(await server.sql('target', next)).toBe(await server.sql('source', next))
      await server.sql('target', 'drop table sales.customer_restored, other.measure_restored')
      expect(await dumpOf(server.url('target'))).toBe(before)
    },
  )

  it('a schema comes back with its types, functions and views', async () => {
    const before = await dumpOf(server.url('target'))
    await server.sql(
      'target',
      'alter table sales.measure_2025 detach partition other.m25a; drop schema sales cascade',
    )
    const run = await restore('plain', '--schema', 'sales')
    expect(run.code, run.stderr).toBe(0)
    expect(run.stdout).toContain('other.m25a')
    await server.sql(
      'target',
      `drop trigger if exists keep on other.m25a; alter table sales.measure_2025 attach partition other.m25a for values in (1, 2)`,
    )
    expect(sorted(await dumpOf(server.url('target')))).toBe(sorted(before))
  })

  it('rows alone fill tables that are there, in any order, and no trigger changes them', async () => {
    const before = await dumpOf(server.url('target'))
    await server.sql(
      'target',
      'truncate sales.customer, sales.measure, sales.orders, sales.child restart identity',
    )
    const tables = ['sales.child', 'sales.orders', 'sales.measure', 'sales.customer']
    const run = await restore('plain', '--data-only', ...tables.flatMap(table => ['--table', table]))
    expect(run.code, run.stderr).toBe(0)
    expect(await dumpOf(server.url('target'))).toBe(before)
    const again = await restore('plain', '--data-only', '--table', 'sales.customer')
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') })
    expect(await dumpOf(server.url('target'))).toBe(before)
  })

  it('definitions alone make a new database without rows', async () => {
    const run = await bench.cli([
      'restore',
      backups['custom'] ?? '',
      '--to',
      server.url('empty'),
      '--yes',
      '--schema-only',
    ])
    expect(run.code, run.stderr).toBe(0)
    expect(await dumpOf(server.url('empty'), ['--schema-only'])).toBe(
      await dumpOf(server.url('source'), ['--schema-only']),
    )
    await server.sql('postgres', 'drop database empty')
  })

  // The server's version changes nothing in these.
  it.each(major === '17' ? REFUSED : [])(
    '%s is refused, and nothing changes',
    async (_, change, options, code, words) => {
      if (change !== '') await server.sql('target', change)
      const before = await dumpOf(server.url('target'))
      const run = await restore('plain', ...options)
      expect(run.code, run.stderr).toBe(code)
      expect(run.stderr).toMatch(words)
      expect(await dumpOf(server.url('target'))).toBe(before)
    },
  )

  it('without its foreign keys a table comes back where they lead nowhere', async () => {
    await server.sql('target', 'drop table sales.customer cascade; drop table other.region')
    const run = await restore('plain', '--table', 'sales.customer', '--skip-foreign-keys')
    expect(run.code, run.stderr).toBe(0)
    expect(run.stdout).toContain('customer_region_id_fkey')
  })
})

describe('a dump that was made for it', () => {
  let server: PostgresServer
  let bench: RestoreBench

  beforeAll(async () => {
    server = await startPostgresServer(await installedServer())
    bench = await openRestoreBench()
    await server.sql('postgres', 'create database target')
    await server.sql(
      'target',
      `create schema s; create table s.orders (id int); insert into s.orders values (1); create table s.victim (a int);
       create function s.evil(int) returns bool language plpgsql as $$begin delete from s.orders; return true; end$$`,
    )
  })

  afterAll(async () => {
    await bench?.close()
    await server?.stop()
  })

  it.each([
    ['CREATE TABLE s.t (a int CHECK (s.evil(a)));', /would change s\.orders/],
    [
      'CREATE TABLE s.t (a int) PARTITION BY LIST (a);\nALTER TABLE ONLY s.t ATTACH PARTITION s.victim FOR VALUES IN (1);',
      /would change s\.victim/,
    ],
    ['CREATE TABLE s.t (a int);\nALTER TABLE s.t ADD COLUMN x int;\n\\! id', /command for psql/],
    ['CREATE TABLE s.t (a int);\nROLLBACK;', /ROLLBACK/],
    ['CREATE TABLE s.t (a int);\nDROP TABLE s.orders;\nDELETE FROM s.orders;\nCOMMIT;', undefined],
  ])('changes nothing but the table: %j', async (statements, words) => {
    const before = await dumpOf(server.url('target'))
    const file = join(bench.vault.folder, 'made.sql')
    await writeFile(
      file,
      `-- PostgreSQL database dump\n-- Name: t; Type: TABLE; Schema: s; Owner: owner\n${statements}\n\nCOPY s.t FROM stdin;\n1\n\\.\n-- PostgreSQL database dump complete\n`,
    )
    const backup = await bench.send('--file', file)
    const run = await bench.cli([
      'restore',
      backup.id,
      '--to',
      server.url('target'),
      '--yes',
      '--table',
      's.t',
    ])
    if (words === undefined) expect(run.code, run.stderr).toBe(0)
    else expect(run).toMatchObject({ code: 1, stderr: expect.stringMatching(words) })
    await server.sql('target', 'drop table if exists s.t')
    expect(await dumpOf(server.url('target'))).toBe(before)
  })

  it('may name its schema as a property that every object has', async () => {
    const file = join(bench.vault.folder, 'named.sql')
    const head = (name: string, type: string, schema: string): string =>
      `-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: owner\n`
    await writeFile(
      file,
      `-- PostgreSQL database dump\n${head('constructor', 'SCHEMA', '-')}CREATE SCHEMA constructor;\n${head('t', 'TABLE', 'constructor')}CREATE TABLE constructor.t (a int);\n-- PostgreSQL database dump complete\n`,
    )
    const { id } = await bench.send('--file', file)
    const to = ['--to', server.url('target'), '--yes', '--schema', 'constructor']
    expect(await bench.cli(['restore', id, ...to])).toMatchObject({ code: 0 })
    expect(await bench.cli(['restore', id, ...to])).toMatchObject({ code: 2 })
  })
})

/** The description of a table with the names that it had. */
function plainNames(description: string): string {
  return description
    .replaceAll('_restored', '')
    .replaceAll('email_lower_customer', 'email_lower')
    .replaceAll(/m25a_measure/g, 'm25a')
    .replaceAll(/\b(sales|other)\.(measure|m25a)/g, '$2')
    .split('\n')
    .sort()
    .join('\n')
}

function sorted(dump: string): string {
  return dump.split('\n').sort().join('\n')
}
