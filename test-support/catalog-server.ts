import { randomUUID } from 'node:crypto'
import { glob, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, openDatabase } from '@telegram-backup/database'
import pg from 'pg'

/** Names the folder of the run's server; vitest's workers inherit it. */
const FOLDER = 'TEST_CATALOG_SERVER'
const TEMPLATE = 'migrated'
/** Any number; keeps two files from making the template at once. */
const TEMPLATE_LOCK = 727_401

/**
 * A setup of vitest: the test files of a run share one embedded server, and each catalog is a database of its
 * own in it. The first file that wants a catalog starts the server, and the end of the run stops it.
 */
export async function setup(): Promise<void> {
  process.env[FOLDER] = await mkdtemp(join(tmpdir(), 'test-catalogs-'))
}

export async function teardown(): Promise<void> {
  const folder = String(process.env[FOLDER])
  const [pidFile] = await Array.fromAsync(glob(join(folder, '*', 'postmaster.pid')))
  if (pidFile !== undefined) process.kill(Number.parseInt(await readFile(pidFile, 'utf8'), 10), 'SIGQUIT')
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
}

/** A migrated database in the run's server; `drop` removes it with all its connections. */
export interface ServedCatalog {
  url: string
  drop(): Promise<void>
}

/** Returns undefined outside vitest, where there is no shared server. */
export async function newCatalog(): Promise<ServedCatalog | undefined> {
  const folder = process.env[FOLDER]
  if (folder === undefined) return undefined
  server ??= enterServer(folder)
  const urlOf = await server.catch((error: unknown) => {
    // A test that is tried again tries this again.
    server = undefined
    throw error
  })
  const name = `test_${randomUUID().replaceAll('-', '')}`
  // The copy of the files costs less than half of what the server's log of all pages does.
  const create = `create database ${name} template ${TEMPLATE} strategy file_copy`
  await asSuperuser(urlOf('postgres'), query => query(create))
  return {
    url: urlOf(name),
    drop: () => asSuperuser(urlOf('postgres'), query => query(`drop database ${name} with (force)`)),
  }
}

type UrlOf = (database: string) => string

/**
 * Of this process, which stays in the server until it ends: a server that nobody uses would stop, and start
 * again.
 */
let server: Promise<UrlOf> | undefined

async function enterServer(folder: string): Promise<UrlOf> {
  await openDatabase({ dataDir: folder, connections: 3 })
  const [dataFolder = ''] = (await readdir(folder)).filter(name => /^pg\d+$/.test(name))
  const socket = encodeURIComponent(join(folder, dataFolder))
  const urlOf: UrlOf = name => `postgresql://catalog@localhost/${name}?host=${socket}`
  await asSuperuser(urlOf('postgres'), query => makeTemplate(query, urlOf))
  return urlOf
}

type Query = (text: string) => Promise<{ rows: unknown[] }>

async function asSuperuser(url: string, work: (query: Query) => Promise<unknown>): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await work(text => client.query(text))
  } finally {
    await client.end()
  }
}

async function makeTemplate(query: Query, urlOf: UrlOf): Promise<void> {
  const isMade = async (): Promise<boolean> =>
    (await query(`select from pg_database where datname = '${TEMPLATE}'`)).rows.length > 0
  if (await isMade()) return
  await query(`select pg_advisory_lock(${TEMPLATE_LOCK})`)
  if (await isMade()) return
  // Nothing here has to outlive the machine.
  for (const setting of ['fsync', 'full_page_writes', 'autovacuum'])
    await query(`alter system set ${setting} = off`)
  await query('select pg_reload_conf()')
  // A killed test file may have left it.
  await query('drop database if exists unfinished with (force)')
  await query('create database unfinished')
  const database = await openDatabase({ url: urlOf('unfinished'), connections: 3 })
  await migrate(database)
  await database.close()
  await query(`alter database unfinished rename to ${TEMPLATE}`)
}
