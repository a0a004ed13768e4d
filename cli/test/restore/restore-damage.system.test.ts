import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupDetails } from '@telegram-backup/database'
import {
  type Damage,
  damagesOf,
  openRestoreBench,
  otherKey,
  processesWith,
  type RestoreBench,
} from '@telegram-backup/test-support/restore-bench.ts'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

// The list of damage, for each way back. One test walks through the whole list: a part of another
// size than it should have is asked for again and again before it is given up.

const WHOLE_LIST_MS = 15 * 60_000

let server: PostgresServer
let bench: RestoreBench
let places: string
let ofDatabase: BackupDetails
let otherDatabase: BackupDetails
let ofDirectory: BackupDetails
let otherDirectory: BackupDetails

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
  places = join(bench.vault.folder, 'places')
  const tree = join(bench.vault.folder, 'tree')
  await mkdir(places)
  await mkdir(tree)
  for (let file = 0; file < 4; file++) await writeFile(join(tree, `file-${file}`), randomBytes(60_000))
  await server.sql('postgres', 'create database source; create database full_one; create database empty_one')
  await server.sql(
    'source',
    `create table rows (id int, body text);
     insert into rows select n, md5(n::text) || md5((n * 7)::text) from generate_series(1, 6000) n`,
  )
  await server.sql('full_one', 'create table precious (x int); insert into precious values (1), (2)')
  ofDatabase = await bench.send('--postgres', server.url('source'))
  otherDatabase = await bench.send('--postgres', server.url('source'))
  ofDirectory = await bench.send('--directory', tree)
  otherDirectory = await bench.send('--directory', tree)
  expect(ofDatabase.part_count).toBeGreaterThanOrEqual(4)
  expect(ofDirectory.part_count).toBeGreaterThanOrEqual(4)
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

afterEach(() => bench.chat.honest())

async function expectServerAsBefore(): Promise<void> {
  const databases = ['empty_one', 'full_one', 'postgres', 'source', 'template0', 'template1']
  expect(await server.databases()).toEqual(databases)
  expect(await server.sql('full_one', 'select count(*) from precious')).toBe('2')
  const tables = `select count(*) from pg_class where relnamespace = 'public'::regnamespace`
  expect(await server.sql('empty_one', tables)).toBe('0')
  expect(await processesWith(`:${new URL(server.url('x')).port}/`)).toEqual([])
  const sessions = `select count(*) from pg_stat_activity where application_name like 'telegram-backup%'`
  // The server takes a moment to notice that its client has gone.
  await expect.poll(() => server.sql('postgres', sessions), { message: 'no session is left' }).toBe('0')
}

describe('damage in the chat is named with its part, exit code 5, and nothing comes of it', () => {
  it(
    'for a database, in place, beside, and over a full one; for a directory, missing and full; for a file',
    async () => {
      const full = join(places, 'full')
      const out = join(places, 'fetched.tar')
      await mkdir(full)
      await writeFile(join(full, 'precious'), 'precious')
      const toDatabase = [
        [server.url('empty_one')],
        [server.url('new_one')],
        [server.url('full_one'), '--overwrite'],
      ]
      const toDirectory = [[join(places, 'new')], [full, '--overwrite']]
      const ofDump = await damagesOf(bench.vault, ofDatabase, otherDatabase)
      const ofFiles = await damagesOf(bench.vault, ofDirectory, otherDirectory)
      const expectNamed = (run: CliRun, { name, part }: Damage): void => {
        expect(run.stderr, name).toMatch(new RegExp(`part ${part}\\b`, 'i'))
        expect(run.code, name).toBe(5)
      }
      for (let index = 0; index < Math.max(ofDump.length, ofFiles.length); index++) {
        const [first, second] = [ofDump[index % ofDump.length], ofFiles[index % ofFiles.length]]
        if (!first || !second) continue
        bench.chat.honest()
        for (const damage of [first, second]) damage.inflict(bench.chat)
        const [database, directory, file] = await Promise.all([
          bench.cli(['restore', ofDatabase.id, '--yes', '--to', ...(toDatabase[index % 3] ?? [])]),
          bench.cli(['restore', ofDirectory.id, '--yes', '--to', ...(toDirectory[index % 2] ?? [])]),
          bench.cli(['fetch', ofDirectory.id, '--out', out]),
        ])
        expectNamed(database, first)
        for (const run of [directory, file]) expectNamed(run, second)
        await expectServerAsBefore()
        expect(await readdir(places)).toEqual(['full'])
        expect(await readFile(join(full, 'precious'), 'utf8')).toBe('precious')
      }
      expect(await processesWith(places)).toEqual([])
    },
    WHOLE_LIST_MS,
  )

  it('is noted once, stays when a fetch is whole, since messages were found gone, and is taken back by reading these', async () => {
    const { damaged_at, restore_count, history } = await bench.show(ofDatabase.id)
    expect([damaged_at === null, restore_count]).toEqual([false, 0])
    expect(history.filter(({ event }) => event === 'damaged')).toHaveLength(1)
    expect((await bench.cli(['fetch', ofDatabase.id, '--out', join(places, 'fetched.sql')])).code).toBe(0)
    expect((await bench.show(ofDatabase.id)).damaged_at).not.toBeNull()
    expect((await bench.cli(['verify', ofDatabase.id, '--read-data'])).code).toBe(0)
    expect((await bench.show(ofDatabase.id)).damaged_at).toBeNull()
  })

  it('for one file of a directory, when its own part is damaged; damage elsewhere does not touch it', async () => {
    const damages = await damagesOf(bench.vault, ofDirectory, otherDirectory)
    const last = ofDirectory.part_count ?? 0
    const out = join(places, 'one')
    for (const [part, code] of [
      [1, 5],
      [last, 0],
    ]) {
      bench.chat.honest()
      damages.find(damage => damage.name === `a bit flipped in part ${part}`)?.inflict(bench.chat)
      const run = await bench.cli(['fetch', ofDirectory.id, '--path', 'file-0', '--out', out])
      expect(run.code, run.stderr).toBe(code)
      if (code === 5) await expect(stat(out)).rejects.toThrow('ENOENT')
    }
    expect((await readFile(out)).equals(await readFile(join(bench.vault.folder, 'tree', 'file-0')))).toBe(
      true,
    )
  })
})

it('a wrong key is told as such, is no damage, and nothing comes of it', async () => {
  const fresh = await bench.send('--postgres', server.url('source'))
  const env = await otherKey(bench)
  for (const to of ['empty_one', 'new_one']) {
    const run = await bench.cli(['restore', fresh.id, '--yes', '--to', server.url(to)], { env })
    expect(run.stderr).toMatch(/key/)
    expect(run.code).toBe(5)
    await expectServerAsBefore()
  }
  const directory = await bench.cli(['restore', ofDirectory.id, '--yes', '--to', join(places, 'keyless')], {
    env,
  })
  expect(directory.code).toBe(5)
  const one = ['fetch', ofDirectory.id, '--path', 'file-0', '--out', join(places, 'keyless')]
  expect((await bench.cli(one, { env })).code).toBe(5)
  expect(await readdir(places)).not.toContain('keyless')
  expect((await bench.show(fresh.id)).damaged_at).toBeNull()
})
