import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupDetails } from '@telegram-backup/database'
import {
  openRestoreBench,
  processesWith,
  type RestoreBench,
  waitUntil,
} from '@telegram-backup/test-support/restore-bench.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

// What ends a restore in the middle: the network, the user, and SIGKILL of each process that takes part.

let server: PostgresServer
let bench: RestoreBench
let ofDatabase: BackupDetails
let ofDirectory: BackupDetails
let places: string

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
  places = join(bench.vault.folder, 'places')
  const tree = join(bench.vault.folder, 'tree')
  await mkdir(tree)
  await mkdir(join(places, 'full'), { recursive: true })
  await writeFile(join(places, 'full', 'precious'), 'precious')
  for (let file = 0; file < 8; file++) await writeFile(join(tree, `file-${file}`), randomBytes(60_000))
  await server.sql('postgres', 'create database source; create database full_one; create database empty_one')
  await server.sql(
    'source',
    `create table rows (id int, body text);
     insert into rows select n, md5(n::text) || md5((n * 7)::text) from generate_series(1, 12000) n`,
  )
  await server.sql('full_one', 'create table precious (x int); insert into precious values (1), (2)')
  ofDatabase = await bench.send('--postgres', server.url('source'))
  ofDirectory = await bench.send('--directory', tree)
  expect(ofDatabase.part_count).toBeGreaterThanOrEqual(8)
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

afterEach(() => bench.chat.honest())

const port = (): string => `:${new URL(server.url('x')).port}/`
const sessions = (of = ''): Promise<string> =>
  server.sql(
    'postgres',
    `select count(*) from pg_stat_activity where application_name like 'telegram-backup${of}%'`,
  )

/** What was undone may still be on its way when a killed program is gone already. */
async function expectServerAsBefore(): Promise<void> {
  await waitUntil(async () => (await sessions()) === '0' && (await processesWith(port())).length === 0)
  expect(await server.databases()).toEqual([
    'empty_one',
    'full_one',
    'postgres',
    'source',
    'template0',
    'template1',
  ])
  expect(await server.sql('full_one', 'select count(*) from precious')).toBe('2')
  const tables = `select count(*) from pg_class where relnamespace = 'public'::regnamespace`
  expect(await server.sql('empty_one', tables)).toBe('0')
}

/**
 * What a download waits for that is not to go on: the program is to end without it, however long that takes.
 */
const forEver = (): Promise<void> => new Promise(() => {})

/**
 * Holds the downloads back from the sixth on, when much of the data is in the transaction, and does
 * something then.
 */
function inTheMiddle(event: () => Promise<void> | void): void {
  let happened: Promise<void> | undefined
  bench.chat.onDownload = async count => {
    if (count < 6) return
    happened ??= (async () => {
      await waitUntil(async () => (await sessions(' restore')) !== '0')
      await event()
    })()
    await happened
    await new Promise(resolve => setTimeout(resolve, 300))
  }
}

const WAYS: ReadonlyArray<[string, string, string[]]> = [
  ['in place', 'empty_one', []],
  ['beside', 'new_one', []],
  ['over a full one', 'full_one', ['--overwrite']],
]

describe.each(WAYS)('a database restore %s, ended in the middle by', (_, database, more) => {
  const restore = async (onStart: (pid: number) => void = () => {}): ReturnType<RestoreBench['cli']> =>
    bench.cli(['restore', ofDatabase.id, '--yes', '--to', server.url(database), ...more], { onStart })

  it.each(['SIGINT', 'SIGTERM'] as const)('%s, leaves the server as it was, and says so', async signal => {
    let pid = 0
    inTheMiddle(() => {
      process.kill(pid, signal)
      return forEver()
    })
    const run = await restore(started => {
      pid = started
    })
    expect(run.stderr).toMatch(/Cancelled; nothing was restored/)
    expect(run.code).toBe(signal === 'SIGINT' ? 130 : 143)
    await expectServerAsBefore()
    expect((await bench.show(ofDatabase.id)).history.at(-1)?.event).toBe('restore failed')
  })

  it('SIGKILL, leaves the server as it was', async () => {
    let pid = 0
    inTheMiddle(() => void process.kill(pid, 'SIGKILL'))
    const run = await restore(started => {
      pid = started
    })
    expect(run.code).toBeNull()
    await expectServerAsBefore()
  })

  it('SIGKILL of psql, leaves the server as it was', async () => {
    inTheMiddle(async () => {
      const [line = ''] = (await processesWith(port())).filter(text => !text.includes('-f '))
      process.kill(Number.parseInt(line, 10), 'SIGKILL')
    })
    const run = await restore()
    expect(run.code, run.stderr).toBe(1)
    await expectServerAsBefore()
  })

  it('the end of the server’s session, leaves the server as it was', async () => {
    inTheMiddle(async () => {
      await server.sql(
        'postgres',
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'telegram-backup restore%'`,
      )
    })
    const run = await restore()
    expect(run.stderr).toMatch(/terminating connection/)
    expect(run.code).toBe(1)
    await expectServerAsBefore()
  })
})

it('the network going away in the middle leaves server and disk as they were', async () => {
  bench.chat.onDownload = count => {
    if (count > 5) throw new Error('gone')
  }
  const [first, second] = await Promise.all([
    bench.cli(['restore', ofDatabase.id, '--yes', '--to', server.url('full_one'), '--overwrite']),
    bench.cli(['restore', ofDirectory.id, '--yes', '--to', join(places, 'full'), '--overwrite']),
  ])
  expect([first.code, second.code], first.stderr + second.stderr).toEqual([1, 1])
  await expectServerAsBefore()
  expect(await readdir(places)).toEqual(['full'])
  expect(await readdir(join(places, 'full'))).toEqual(['precious'])
})

it('the temporary database that a killed watcher leaves is dropped by the next restore', async () => {
  let pid = 0
  inTheMiddle(async () => {
    const psqls = (await processesWith(port())).map(line => Number.parseInt(line, 10))
    // All stand still first: none gets to undo anything because another has gone.
    for (const psql of psqls) process.kill(psql, 'SIGSTOP')
    for (const one of [pid, ...psqls]) process.kill(one, 'SIGKILL')
  })
  await bench.cli(['restore', ofDatabase.id, '--yes', '--to', server.url('new_one')], {
    onStart: started => {
      pid = started
    },
  })
  bench.chat.honest()
  await waitUntil(async () => (await sessions()) === '0')
  const left = (await server.databases()).filter(name => name.startsWith('new_one_restoring_'))
  expect(left).toHaveLength(1)
  const run = await bench.cli(['restore', ofDatabase.id, '--yes', '--to', server.url('new_one')])
  expect(run.stderr).toContain(`Clears    ${left[0]}`)
  expect(run.code, run.stderr).toBe(0)
  expect(await server.databases()).toContain('new_one')
  expect((await server.databases()).filter(name => name.includes('_restoring_'))).toEqual([])
  await server.sql('postgres', 'drop database new_one')
})

describe.each([
  ['new', []],
  ['full', ['--overwrite']],
] as const)('a directory restore into a %s one, ended in the middle by', (name, more) => {
  const restore = (onStart: (pid: number) => void = () => {}): ReturnType<RestoreBench['cli']> =>
    bench.cli(['restore', ofDirectory.id, '--yes', '--to', join(places, name), ...more], { onStart })
  const expectPlacesAsBefore = async (): Promise<void> => {
    expect(await readdir(places)).toEqual(['full'])
    expect(await readFile(join(places, 'full', 'precious'), 'utf8')).toBe('precious')
    await waitUntil(async () => (await processesWith(places)).length === 0)
  }
  const partial = async (): Promise<boolean> =>
    (await readdir(places)).some(entry => entry.endsWith('.partial'))
  const midway = (event: () => void): void => {
    bench.chat.onDownload = async count => {
      if (count < 6) return
      await waitUntil(partial)
      event()
      await forEver()
    }
  }

  it('SIGINT, leaves nothing', async () => {
    let pid = 0
    let isSent = false
    midway(() => {
      if (!isSent) process.kill(pid, 'SIGINT')
      isSent = true
    })
    const run = await restore(started => {
      pid = started
    })
    expect(run.code, run.stderr).toBe(130)
    await expectPlacesAsBefore()
  })

  it('SIGKILL, leaves the target as it was, and the next restore clears away the rest', async () => {
    let pid = 0
    let isKilled = false
    midway(() => {
      if (!isKilled) process.kill(pid, 'SIGKILL')
      isKilled = true
    })
    await restore(started => {
      pid = started
    })
    bench.chat.honest()
    expect((await readdir(places)).filter(entry => !entry.endsWith('.partial'))).toEqual(['full'])
    const refusedLater = await bench.cli([
      'restore',
      ofDirectory.id,
      '--yes',
      '--to',
      join(places, name),
      ...more,
    ])
    expect(refusedLater.code, refusedLater.stderr).toBe(0)
    expect((await readdir(places)).filter(entry => entry.endsWith('.partial'))).toEqual([])
    await rm(join(places, 'new'), { recursive: true, force: true })
  })
})
