import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { EmbeddedServer } from '#embedded/embedded-server.ts'
import { identify } from '#embedded/processes.ts'
import {
  describeScratchServer,
  makeScratchFolder,
  type ScratchFolder,
  type ScratchServer,
  startScratchServer,
} from '#index.ts'
import { TestStateFolder } from '#test/state-folders.ts'

let state: TestStateFolder
let folder: ScratchFolder
let server: ScratchServer
let client: pg.Client

beforeEach(async () => {
  state = new TestStateFolder()
  folder = await makeScratchFolder(state.path, 0)
  server = await startScratchServer(folder)
  client = new pg.Client({
    host: server.host,
    port: server.port,
    user: server.superuser,
    database: 'postgres',
  })
  await client.connect()
})

afterEach(async () => {
  await client.end()
  await server.stop()
  await folder.discard()
  state.remove()
})

const isRoot = process.getuid?.() === 0
const { isConfined } = describeScratchServer('/nonexistent')

it.skipIf(!isRoot && !isConfined)('even its superuser reads no file that is not its own', async () => {
  const key = join(state.path, 'backup-key.txt')
  writeFileSync(key, 'a secret', { mode: 0o600 })
  await expect(client.query('select pg_read_file($1)', [key])).rejects.toThrow(/ermission denied/)
  await expect(client.query(`select pg_ls_dir($1)`, ['/root'])).rejects.toThrow(/ermission denied/)
  await client.query('create table read (line text)')
  await expect(client.query(`copy read from program 'cat ${key}'`)).rejects.toThrow()
  expect((await client.query('select line from read')).rows).toEqual([])
})

it.skipIf(!isConfined)(
  'nor can it start a program or write a file, where the kernel has Landlock',
  async () => {
    const open = mkdtempSync(join(tmpdir(), 'open-'))
    try {
      const file = join(open, 'written')
      await client.query(`copy (select 1) to program 'touch ${file}'`).catch(() => {})
      await client.query(`copy (select 1) to '${file}'`).catch(() => {})
      expect(existsSync(file)).toBe(false)
      expect(server.isConfined).toBe(true)
      await expect(client.query(`select pg_read_file('/etc/hostname')`)).rejects.toThrow(/ermission denied/)
    } finally {
      rmSync(open, { recursive: true })
    }
  },
)

it.skipIf(!isRoot)('of root’s, another account runs it than the one that owns the catalog', async () => {
  const catalog = await EmbeddedServer.enter(state.path)
  const second = await makeScratchFolder(state.path, 0)
  const drill = await startScratchServer(second)
  const ownerOf = (path: string): number | undefined => identify(path)?.uid
  const owners = [drill.host, String(catalog.connection.host)].map(path => ownerOf(path))
  await drill.stop()
  await second.discard()
  await catalog.leave()
  expect(owners).not.toContain(0)
  expect(new Set(owners).size).toBe(2)
})

it('has PostgreSQL’s own extensions that reach nothing, and the catalog has none', async () => {
  const named = (rows: { name: string }[]): string[] => rows.map(({ name }) => name)
  const available = 'select name from pg_available_extensions order by name'
  const own = named((await client.query(available)).rows)
  for (const name of own.filter(one => one !== 'plpgsql')) {
    await client.query(`create extension if not exists "${name}" cascade; drop extension "${name}" cascade`)
  }
  expect(own).toEqual(expect.arrayContaining(['citext', 'hstore', 'pg_trgm', 'pgcrypto', 'uuid-ossp']))
  expect(own.filter(name => /dblink|file_fdw|xml|adminpack|u$|pl(perl|python|tcl)/.test(name))).toEqual([])
  const catalog = await EmbeddedServer.enter(state.path)
  const other = new pg.Client(catalog.connection)
  await other.connect()
  const ofCatalog = named((await other.query(available)).rows)
  await other.end()
  await catalog.leave()
  expect(ofCatalog).toEqual(['plpgsql'])
})
