import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { chatRecord, createBackup, type Database, migrate, openDatabase } from '#index.ts'
import { applyMigrations } from '#migrate.ts'
import { startProgram } from '#test/client-process.ts'
import { bundledPrograms, type PostgresServer, startPostgresServer } from '#test/postgres-server.ts'

const original = fileURLToPath(new URL('.', import.meta.resolve('#migrations/001_create_catalog_table.sql')))
const names = readdirSync(original).sort()

let server: PostgresServer
let url: string
let database: Database
let folder: string
beforeAll(async () => {
  server = await startPostgresServer(bundledPrograms)
})
afterAll(() => server.stop())
beforeEach(async () => {
  url = await server.newDatabase()
  database = await openDatabase({ url })
  folder = mkdtempSync(join(tmpdir(), 'migrations-test-'))
  cpSync(original, folder, { recursive: true })
})
afterEach(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

const apply = () => applyMigrations(database.kysely, pathToFileURL(`${folder}/`))

async function tables(): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'control_plane' order by 1
  `.execute(database.kysely)
  return rows.map(({ name }) => name)
}

test('an empty database gets all of them, in order, once', async () => {
  expect(names).toContain('009_create_backups_table.sql')
  expect(names).toContain('010_create_backup_history_table.sql')
  expect(await migrate(database)).toEqual(names)
  expect(await migrate(database)).toEqual([])
  expect(await tables()).toEqual([
    'backup_history',
    'backup_parts',
    'backups',
    'catalog',
    'chats',
    'jobs',
    'leases',
    'migrations',
    'open_sends',
    'projects',
    'remnants',
    'restores',
    'sealed_manifests',
  ])
})

test('starters at once, in this process and in two others, apply each of them once', async () => {
  const others = [1, 2].map(() =>
    startProgram(import.meta.resolve('#test/programs/migrate-at-once.ts'), [url]),
  )
  await Promise.all(others.map(other => other.said(/^ready/)))
  for (const other of others) other.child.stdin?.write('go\n')
  const here = await Promise.all([1, 2, 3, 4].map(() => migrate(database)))
  const there = await Promise.all(
    others.map(async other => Number((await other.said(/^applied/)).split(' ')[1])),
  )
  const applied = [...here.map(list => list.length), ...there].sort((a, b) => b - a)
  expect(applied).toEqual([names.length, 0, 0, 0, 0, 0])
  expect(await Promise.all(others.map(other => other.ended))).toEqual([0, 0])
})

test('one that fails takes all of them back, and the next try applies them all', async () => {
  const bad = join(folder, '999_bad.sql')
  writeFileSync(bad, 'create table control_plane.half (id int); select 1/0;')
  await expect(apply()).rejects.toMatchObject({ name: 'CatalogError' })
  expect(await tables()).toEqual([])
  writeFileSync(bad, 'create table control_plane.half (id int);')
  expect(await apply()).toEqual([...names, '999_bad.sql'])
  expect(await tables()).toContain('half')
})

test('a new one is applied to a catalog in use, whose rows stay', async () => {
  await migrate(database)
  const { id } = await createBackup(database, { project_id: 'p', type: 'logs', file_id: 'f', size: 1 })
  writeFileSync(
    join(folder, '900_later.sql'),
    "alter table control_plane.backups add column note text default 'new';",
  )
  expect(await apply()).toEqual(['900_later.sql'])
  const { rows } = await sql`select note from control_plane.backups where id = ${id}`.execute(database.kysely)
  expect(rows).toEqual([{ note: 'new' }])
})

test('a catalog of before knows the newest message of each of its chats afterwards', async () => {
  for (const name of names.filter(name => name >= '014')) rmSync(join(folder, name))
  await apply()
  const { id } = await createBackup(database, { project_id: 'p', type: 'logs', file_id: 'f', size: 1 })
  await sql`
    insert into control_plane.backup_parts (backup_id, chat_id, kind, part_no, message_id, file_name, size, sha256)
    select ${id}, '-1', 'part', number, 100 - number, 'f', 1, repeat('a', 64) from generate_series(1, 3) as number
  `.execute(database.kysely)
  await migrate(database)
  expect(await chatRecord(database, '-1')).toMatchObject({ newestMessageId: 99, index: null })
})

test('a catalog of a newer version is refused and left alone', async () => {
  writeFileSync(join(folder, '900_from_the_future.sql'), 'select 1;')
  await apply()
  await expect(migrate(database)).rejects.toMatchObject({
    code: 'CATALOG',
    message: expect.stringContaining('900_from_the_future.sql'),
    hint: expect.stringContaining('Update'),
  })
})

test('a schema that somebody else has made for us is enough: no right to make one is needed', async () => {
  await sql
    .raw("create role tenant login password 'x'; create schema control_plane authorization tenant")
    .execute(database.kysely)
  const { pathname, port } = new URL(url)
  const tenant = await openDatabase({ url: `postgresql://tenant:x@127.0.0.1:${port}${pathname}` })
  expect(await migrate(tenant)).toEqual(names)
  await tenant.close()
})
