import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { findPostgresPackage, installBinaries } from '#embedded/binaries.ts'
import { identify, killProcessesIn, processesIn } from '#embedded/processes.ts'
import { createBackup, type Database, migrate, openDatabase, queryBackups } from '#index.ts'
import { SmallDisk } from '#test/small-disk.ts'

const FULL = { code: 'CATALOG', hint: expect.stringContaining('Free room on the disk of the state folder') }
const backup = { project_id: 'p', type: 'logs', file_id: 'f', size: 1 } as const

let disk: SmallDisk | undefined
const state = () => join(disk?.path ?? '', 'state')
afterEach(async () => {
  const data = identify(join(state(), 'pg18'))
  if (data) await killProcessesIn(data)
  disk?.remove()
  disk = undefined
})

async function catalogOn(size: string): Promise<Database> {
  disk = new SmallDisk(size)
  const database = await openDatabase({ dataDir: state() })
  await migrate(database)
  await createBackup(database, backup)
  return database
}

function expectNoServer(): void {
  const data = identify(join(state(), 'pg18'))
  expect(data && processesIn(data)).toEqual([])
  expect(readdirSync(data?.path ?? '')).not.toContain('postmaster.pid')
}

async function expectBackups(count: number): Promise<void> {
  const database = await openDatabase({ dataDir: state() })
  expect((await queryBackups(database)).total).toBe(count)
  await database.close()
  expectNoServer()
}

test('no room for a state folder, nor for the lock file in it, is told as such', async () => {
  disk = new SmallDisk('size=1m,nr_inodes=1')
  await expect(openDatabase({ dataDir: state() })).rejects.toMatchObject(FULL)
  disk.resize('nr_inodes=2')
  await expect(openDatabase({ dataDir: state() })).rejects.toMatchObject(FULL)
  expect(readdirSync(state())).toEqual([])
})

test('no room for the programs is told as such, and nothing half-copied stays', () => {
  disk = new SmallDisk('size=8m')
  const home = state()
  mkdirSync(home)
  const user = { spawnAs: undefined, uid: 0, name: 'root' }
  expect(() => installBinaries(findPostgresPackage(), [home], user)).toThrow(expect.objectContaining(FULL))
  expect(readdirSync(home)).toEqual([])
})

test('no room for a data folder is told as such, and with more room it is made', async () => {
  disk = new SmallDisk('size=16m')
  await expect(openDatabase({ dataDir: state() })).rejects.toMatchObject(FULL)
  disk.resize('size=300m')
  const database = await openDatabase({ dataDir: state() })
  expect(await migrate(database)).not.toEqual([])
  await database.close()
  expectNoServer()
})

test('a server that cannot start on a full disk says why, and starts when there is room', async () => {
  const first = await catalogOn('size=300m')
  await first.close()
  disk?.fill()
  await expect(openDatabase({ dataDir: state() })).rejects.toMatchObject(FULL)
  expectNoServer()
  disk?.free()
  await expectBackups(1)
})

test('a catalog on a full disk can be opened by others, read, and left: the last one stops the server', async () => {
  const one = await catalogOn('size=300m')
  disk?.fill()
  const two = await openDatabase({ dataDir: state() })
  expect((await queryBackups(two)).total).toBe(1)
  await two.close()
  expect((await queryBackups(one)).total).toBe(1)
  await one.close()
  expectNoServer()
  disk?.free()
  await expectBackups(1)
})

test('writing until the disk is full fails with a hint, keeps what was acknowledged, and can be left', async () => {
  const database = await catalogOn('size=300m')
  disk?.fill()
  let written = 1
  const caption = 'x'.repeat(1_000_000)
  const writing = (async () => {
    for (; ; written++) await createBackup(database, { ...backup, caption: caption + Math.random() })
  })()
  await expect(writing).rejects.toMatchObject(FULL)
  await database.close()
  expectNoServer()
  disk?.free()
  await expectBackups(written)
})

test('a server that crashes for want of room, and comes back by itself, is stopped by who leaves', async () => {
  const database = await catalogOn('size=300m')
  disk?.fill()
  // So much at once that the log of the transactions needs a new file: the server gives up and restarts.
  const caption = Array.from({ length: 400_000 }, () => Math.random()).join('')
  for (let tries = 0; tries < 4; tries++) {
    const input = { ...backup, caption }
    await expect(createBackup(database, input)).rejects.toMatchObject({ code: 'CATALOG' })
  }
  await database.close()
  expectNoServer()
  disk?.free()
  await expectBackups(1)
})
