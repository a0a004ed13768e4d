import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { processesIn } from '#embedded/processes.ts'
import { createBackup, migrate, openDatabase, queryBackups } from '#index.ts'
import { startClient } from '#test/client-process.ts'
import { TestStateFolder } from '#test/state-folders.ts'

let folder: TestStateFolder
beforeEach(() => {
  folder = new TestStateFolder()
})
afterEach(() => folder.remove())

const backup = { project_id: 'p', type: 'logs', file_id: 'f', size: 1 } as const

test('a fresh folder gets a server, whose data is there at the next opening, and no process stays behind', async () => {
  const first = await openDatabase({ dataDir: folder.path })
  expect(first.location).toBe(`embedded PostgreSQL in ${folder.path}`)
  expect(await migrate(first)).toContain('009_create_backups_table.sql')
  await createBackup(first, backup)
  await first.close()
  folder.expectNothingLeft()

  const second = await openDatabase({ dataDir: folder.path })
  expect(await migrate(second)).toEqual([])
  expect((await queryBackups(second)).total).toBe(1)
  await second.close()
  await second.close()
  folder.expectNothingLeft()
})

test('eight openers of a fresh folder at once, in two processes and in this one, share one server and one schema', async () => {
  const clients = [1, 2].map(() => startClient([folder.path, 'hold']))
  const here = await Promise.all([1, 2, 3, 4, 5, 6].map(() => openDatabase({ dataDir: folder.path })))
  const applied = await Promise.all(here.map(database => migrate(database)))
  const elsewhere = await Promise.all(clients.map(client => client.said(/^ready/)))
  const counts = [...applied.map(names => names.length), ...elsewhere.map(line => Number(line.split(' ')[1]))]
  expect(counts.filter(count => count > 0)).toHaveLength(1)

  for (const client of clients) client.child.stdin?.end()
  expect(await Promise.all(clients.map(client => client.ended))).toEqual([0, 0])
  const [last, ...others] = here
  await Promise.all(others.map(database => database.close()))
  expect(await queryBackups(last as NonNullable<typeof last>)).toEqual({ data: [], total: 0 })
  await last?.close()
  folder.expectNothingLeft()
})

test('a process that never closes its catalog ends by itself and takes the server with it', async () => {
  const client = startClient([folder.path, 'leave-open'])
  expect(await client.ended).toBe(0)
  expect(client.lines).toEqual(['total 0'])
  folder.expectNothingLeft()
})

test('variables of the user for other PostgreSQL servers do no harm', async () => {
  const client = startClient([folder.path, 'leave-open'], {
    PGHOST: '192.0.2.1',
    PGPORT: '1',
    PGUSER: 'nobody-knows',
    PGDATABASE: 'none',
    PGPASSWORD: 'wrong',
    PGSSLMODE: 'verify-full',
    PGSSLNEGOTIATION: 'direct',
    PGOPTIONS: '-c default_transaction_read_only=on',
    PGDATA: '/nonexistent',
    PGCLIENTENCODING: 'LATIN1',
    PGAPPNAME: 'x',
    PGTZ: 'Asia/Tokyo',
  })
  expect([await client.ended, client.complaints]).toEqual([0, []])
})

test('a path that is too long for a socket is no obstacle, nor are spaces and an apostrophe in it', async () => {
  const path = join(folder.parent, "it's a long path ".repeat(5), `\u00e4\u{1f4be}`.repeat(8))
  const one = await openDatabase({ dataDir: path })
  await migrate(one)
  const two = await openDatabase({ dataDir: path })
  await createBackup(two, backup)
  expect((await queryBackups(one)).total).toBe(1)
  await Promise.all([one.close(), two.close()])
  rmSync(path, { recursive: true })
})

test('a state folder that was moved while its server runs is used under its new name', async () => {
  const database = await openDatabase({ dataDir: folder.path })
  await migrate(database)
  await createBackup(database, backup)
  const moved = join(folder.parent, 'moved')
  renameSync(folder.path, moved)
  const again = await openDatabase({ dataDir: moved })
  expect((await queryBackups(again)).total).toBe(1)
  await again.close()
  renameSync(moved, folder.path)
  await database.close()
  folder.expectNothingLeft()
})

test('a deleted state folder is made anew at once, and its old server can still be left', async () => {
  const old = await openDatabase({ dataDir: folder.path })
  await migrate(old)
  await createBackup(old, backup)
  const data = folder.data
  rmSync(folder.path, { recursive: true })
  mkdirSync(folder.path)
  const fresh = await openDatabase({ dataDir: folder.path })
  await migrate(fresh)
  expect((await queryBackups(fresh)).total).toBe(0)
  await fresh.close()
  folder.expectNothingLeft()
  await old.close()
  expect(processesIn(data)).toEqual([])
})

test('a long log of the server makes way for a new one, and one older log is kept', async () => {
  const log = join(folder.path, 'postgres.log')
  const openAndClose = async () => (await openDatabase({ dataDir: folder.path })).close()
  await openAndClose()
  const short = statSync(log).size
  await openAndClose()
  expect(statSync(log).size).toBeGreaterThan(short)
  expect(existsSync(`${log}.1`)).toBe(false)
  for (const round of ['first', 'second']) {
    writeFileSync(log, `${round}\n`.repeat(200_000))
    await openAndClose()
    expect(readFileSync(log, 'utf8')).not.toContain(round)
    expect(readFileSync(`${log}.1`, 'utf8').slice(0, round.length)).toBe(round)
  }
  expect(readdirSync(folder.path).filter(name => name.startsWith('postgres.log'))).toHaveLength(2)
})

test('use after the end of a catalog says so', async () => {
  const database = await openDatabase({ dataDir: folder.path })
  await database.close()
  const late = queryBackups(database)
  await expect(late).rejects.toMatchObject({ code: 'CATALOG', message: expect.stringContaining('closed') })
  folder.expectNothingLeft()
})

test('waiting for the server ends with the signal of the caller', async () => {
  const stop = AbortSignal.abort(new Error('changed my mind'))
  await expect(openDatabase({ dataDir: folder.path, signal: stop })).rejects.toThrow('changed my mind')
})
