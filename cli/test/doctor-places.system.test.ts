import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { startPgbouncer } from '@telegram-backup/test-support/servers/pgbouncer.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let vault: TestVault
let server: PostgresServer
let env: Record<string, string>

beforeAll(async () => {
  vault = await openTestVault()
  server = await startPostgresServer(await installedServer())
  await server.sql(
    'postgres',
    `create database shop; create role reader login; create role nobody_much login;
     create role keeper login createdb password 'k'; create database shop_again owner keeper`,
  )
  await server.sql(
    'shop',
    `create table orders (id int); create schema hidden; create table hidden.salaries (sum int); create table rows_of_some (id int);
     alter table rows_of_some enable row level security;
     grant pg_read_all_data to reader; alter role reader password 'r' bypassrls; alter role nobody_much password 'n'`,
  )
  env = {
    ...(await cliEnvironment(vault)),
    TELEGRAM_BACKUP_CONFIG: join(vault.folder, 'telegram-backup.yaml'),
    READER: urlAs('reader:r', 'shop'),
    OTHER: urlAs('nobody_much:n', 'shop'),
    NONE: server.url('nosuchdb'),
    AGAIN: urlAs('keeper:k', 'shop_again'),
    NEW: urlAs('keeper:k', 'nosuchdb'),
    SUPERUSER: server.url('shop'),
  }
  await mkdir(join(vault.folder, 'uploads'))
  await writeFile(join(vault.folder, 'disk.img'), 'a disk')
})

afterAll(async () => {
  await server?.stop()
  await vault?.close()
})

function urlAs(user: string, database: string): string {
  return server.url(database).replace(/\/\/[^@]*@/, `//${user}@`)
}

interface Row {
  name: string
  state: string
  message: string
  hint?: string
}

/** The rows of doctor that speak of places, by name, and its exit code. */
async function doctor(
  config: string,
  ...options: string[]
): Promise<{ code: number | null; rows: Record<string, Row>; ok: boolean }> {
  await writeFile(String(env['TELEGRAM_BACKUP_CONFIG']), config, { mode: 0o600 })
  const run = await runCli(['doctor', '--json', ...options], { env, cwd: vault.folder })
  const { ok, checks } = run.json() as { ok: boolean; checks: Row[] }
  const places = checks.filter(({ name }) => /^(source|target) /.test(name))
  return { code: run.code, ok, rows: Object.fromEntries(places.map(row => [row.name, row])) }
}

it('sources that can be backed up are told so, each by itself, and that is ready to send', async () => {
  const { code, ok, rows } = await doctor(`sources:
  shop: { project: shop, type: database, postgres: "\${READER}" }
  uploads: { project: shop, type: storage, directory: uploads }
  disk: { project: shop, type: storage, file: disk.img }
targets:
  again: { postgres: "\${AGAIN}" }
  new: { postgres: "\${NEW}" }
  superuser: { postgres: "\${SUPERUSER}" }
  away: { postgres: "postgresql://x@127.0.0.1:1/shop" }
`)
  expect({ code, ok }).toEqual({ code: 0, ok: true })
  expect(rows).toMatchObject({
    'source shop': { state: 'ok', message: expect.stringMatching(/PostgreSQL \d+, by pg_dump \d+/) },
    'source uploads': { state: 'ok' },
    'source disk': { state: 'ok' },
    'target again': { state: 'ok' },
    'target new': { state: 'ok', message: expect.stringContaining('a restore creates it') },
    // What is in a dump would have that role's rights.
    'target superuser': { state: 'warning', hint: expect.stringContaining('a superuser') },
    // No backup waits for a target.
    'target away': { state: 'warning', hint: expect.stringContaining('Check host and port') },
  })
})

it('a source that cannot be backed up is not ready to send, and is told with what to do', async () => {
  const { code, ok, rows } = await doctor(`sources:
  no-directory: { project: shop, type: storage, directory: nothing-here }
  no-file: { project: shop, type: storage, file: nothing-here }
  a-file: { project: shop, type: storage, directory: disk.img }
  a-directory: { project: shop, type: storage, file: uploads }
  no-host: { project: shop, type: database, postgres: "postgresql://x@127.0.0.1:1/shop" }
  no-database: { project: shop, type: database, postgres: "\${NONE}" }
  no-rights: { project: shop, type: database, postgres: "\${OTHER}" }
  uploads: { project: shop, type: storage, directory: uploads }
`)
  expect(ok).toBe(false)
  expect(code).not.toBe(0)
  const { 'source uploads': uploads, ...others } = rows
  expect(uploads).toMatchObject({ state: 'ok' })
  expect(Object.keys(others)).toHaveLength(7)
  for (const row of Object.values(others)) expect(row).toMatchObject({ state: 'failed', hint: /./ })
  expect(rows['source no-database']?.message).toContain('nosuchdb')
  expect(rows['source no-rights']?.hint).toContain('GRANT pg_read_all_data TO nobody_much')
  const table = await runCli(['doctor'], { env, cwd: vault.folder })
  expect(table.stdout).toContain('7 problems to fix before')
  expect(table.stdout).not.toContain('Ready to send')
})

it('what a send or a restore would refuse behind a pooler in transaction mode is told before', async () => {
  const pgbouncer = await startPgbouncer({ serverUrls: [server.url('shop')] })
  env['POOLED'] = pgbouncer.through(server.url('shop'))
  try {
    const { ok, rows } = await doctor(`sources:
  pooled: { project: shop, type: database, postgres: "\${POOLED}" }
targets:
  pooled: { postgres: "\${POOLED}" }
`)
    expect(ok).toBe(false)
    expect(rows).toMatchObject({
      'source pooled': { state: 'failed', hint: expect.stringContaining('session mode') },
      'target pooled': { state: 'warning', hint: expect.stringContaining('session mode') },
    })
  } finally {
    await pgbouncer.stop()
  }
})

it('a target that is there and lets nobody in is not told as one that a restore makes', async () => {
  await server.sql('postgres', 'create database shut; revoke connect on database shut from public')
  env['SHUT'] = urlAs('nobody_much:n', 'shut')
  const { rows } = await doctor(`targets:
  shut: { postgres: "\${SHUT}" }
`)
  expect(rows['target shut']).toMatchObject({
    state: 'warning',
    message: expect.stringContaining('permission denied'),
  })
})

it('what a role may not read counts only where it is dumped', async () => {
  const config = `sources:
  some: { project: shop, type: database, postgres: "\${OTHER}", table: public.orders }
  most: { project: shop, type: database, postgres: "\${OTHER}", exclude_schema: hidden }
`
  expect((await doctor(config)).rows['source some']).toMatchObject({ state: 'failed' })
  await server.sql('shop', 'grant select on orders, rows_of_some to nobody_much')
  const { rows } = await doctor(config)
  expect(rows['source some']).toMatchObject({ state: 'ok' })
  // Of a table with row level security it would read some rows only.
  expect(rows['source most']).toMatchObject({
    state: 'failed',
    message: expect.stringContaining('public.rows_of_some'),
  })
})

it('a type that does not fit what is read is told', async () => {
  const { code, rows } = await doctor(`sources:
  shop: { project: shop, type: storage, postgres: "\${READER}" }
  uploads: { project: shop, type: database, directory: uploads }
`)
  expect(code).toBe(0)
  for (const row of Object.values(rows))
    expect(row).toMatchObject({ state: 'warning', hint: expect.stringContaining('Set its type') })
})

it('--fast leaves the places out', async () => {
  const config = 'sources:\n  gone: { project: shop, type: storage, directory: nothing-here }\n'
  expect(await doctor(config, '--fast')).toEqual({ code: 0, ok: true, rows: {} })
  await rm(String(env['TELEGRAM_BACKUP_CONFIG']))
})
