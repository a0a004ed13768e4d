import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findPostmaster } from '#embedded/postmaster.ts'
import { type FolderIdentity, identify, processesIn } from '#embedded/processes.ts'
import { createBackup, migrate, openDatabase, queryBackups } from '#index.ts'
import { startClient } from '#test/client-process.ts'
import { TestStateFolder } from '#test/state-folders.ts'

let folder: TestStateFolder
beforeEach(() => {
  folder = new TestStateFolder()
})
afterEach(() => folder.remove())

const backup = { project_id: 'p', type: 'logs', file_id: 'f', size: 1 } as const
const pidFile = () => join(folder.path, 'pg18', 'postmaster.pid')
const postmaster = () => Number(readFileSync(pidFile(), 'utf8').split('\n')[0])

/** Waits for something that another process does; the test's own time limit ends it otherwise. */
async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look()
    if (found) return found
    await delay(2)
  }
}

test('the server of a killed client is used by the next one, who also stops it', async () => {
  const client = startClient([folder.path, 'hold'])
  await client.said(/^ready/)
  client.child.kill('SIGKILL')
  expect(await client.ended).toBe('SIGKILL')
  const pid = postmaster()
  expect(folder.processes).toContain(pid)

  const database = await openDatabase({ dataDir: folder.path })
  expect(postmaster()).toBe(pid)
  await database.close()
  folder.expectNothingLeft()
})

test('after SIGKILL of the server an open catalog starts it again, with all that was acknowledged', async () => {
  const database = await openDatabase({ dataDir: folder.path })
  await migrate(database)
  for (let round = 1; round <= 3; round++) {
    await createBackup(database, backup)
    const killed = postmaster()
    process.kill(killed, 'SIGKILL')
    await until(() => folder.processes.length === 0)
    expect((await queryBackups(database)).total).toBe(round)
    expect(postmaster()).not.toBe(killed)
  }
  await database.close()
  folder.expectNothingLeft()
})

test('SIGKILL of one backend, which makes the server restart all of them, is survived', async () => {
  const database = await openDatabase({ dataDir: folder.path })
  await migrate(database)
  await createBackup(database, backup)
  // The one that works for this pool: the loss of any other might become known only after the next statement.
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database.kysely)
  const victim = rows[0]?.pid ?? 0
  expect(folder.processes).toContain(victim)
  process.kill(victim, 'SIGKILL')
  await until(() => !folder.processes.includes(victim))
  // A statement may have been lost on the way; the next one is not.
  await queryBackups(database).catch(() => {})
  expect((await queryBackups(database)).total).toBe(1)
  await database.close()
  folder.expectNothingLeft()
})

test('a server that restarts by itself after a crash is stopped by the one who leaves meanwhile', async () => {
  const database = await openDatabase({ dataDir: folder.path })
  await migrate(database)
  const killed = postmaster()
  for (const pid of folder.processes.filter(pid => pid !== killed)) kill(pid)
  await database.close()
  folder.expectNothingLeft()
})

test('two users of a killed server both find the new one, and the last of them stops it', async () => {
  const one = await openDatabase({ dataDir: folder.path })
  const two = await openDatabase({ dataDir: folder.path })
  await migrate(one)
  const killed = postmaster()
  process.kill(killed, 'SIGKILL')
  await until(() => folder.processes.length === 0)
  await Promise.all([createBackup(one, backup), createBackup(two, backup)])
  await one.close()
  expect((await queryBackups(two)).total).toBe(2)
  await two.close()
  folder.expectNothingLeft()
})

test('a pid file that names a stranger is recognised: the stranger lives on, the server starts', async () => {
  const database = await openDatabase({ dataDir: folder.path })
  await migrate(database)
  await createBackup(database, backup)
  const contents = readFileSync(pidFile(), 'utf8')
  const killed = postmaster()
  process.kill(killed, 'SIGKILL')
  await until(() => folder.processes.length === 0)
  // The pid has been given to somebody else meanwhile: this test.
  writeFileSync(pidFile(), contents.replace(String(killed), String(process.pid)))
  expect((await queryBackups(database)).total).toBe(1)
  await database.close()
  folder.expectNothingLeft()
})

/** The folder in which initdb works, or undefined; true when there is a whole one and it was missed. */
const unfinishedOrWhole = () => unfinished() ?? (identify(join(folder.path, 'pg18')) ? true : undefined)

test('openers that are killed while they make the data folder leave nothing that disturbs the next', async () => {
  for (const killAt of ['folder', 'initdb', 'initdb', 'whole'] as const) {
    const client = startClient([folder.path, 'hold'])
    await until(() => {
      const found = unfinishedOrWhole()
      if (found === true || killAt === 'folder') return found
      return killAt === 'initdb' && found !== undefined && processesIn(found).length > 1
    })
    client.child.kill('SIGKILL')
    expect(await client.ended).toBe('SIGKILL')
  }
  const database = await openDatabase({ dataDir: folder.path })
  await migrate(database)
  await createBackup(database, backup)
  await database.close()
  folder.expectNothingLeft()
})

test('an initdb that is killed is run again by the same opener', async () => {
  for (let killed = false; !killed; ) {
    const client = startClient([folder.path, 'hold'])
    const victim = await until(() => {
      const found = unfinishedOrWhole()
      return found === true ? true : found && processesIn(found).find(pid => nameOf(pid) === 'initdb')
    })
    // On a busy machine initdb may have finished before it was seen: then once more, from the start.
    killed = victim !== true && kill(victim)
    await client.said(/^ready/)
    client.child.stdin?.end()
    expect(await client.ended).toBe(0)
    folder.expectNothingLeft()
    if (!killed) rmSync(folder.path, { recursive: true })
  }
})

test('a server that is killed while it starts is started again by the same opener', async () => {
  for (let killed = false; !killed; ) {
    const client = startClient([folder.path, 'hold'])
    const starting = await until(startedServer)
    // It writes down by itself that it is ready, so not while it is stopped.
    process.kill(starting, 'SIGSTOP')
    await until(() => stateOf(starting) === 'T')
    killed = readFileSync(pidFile(), 'utf8').split('\n')[7]?.trim() !== 'ready'
    process.kill(starting, killed ? 'SIGKILL' : 'SIGCONT')
    await client.said(/^ready/)
    if (killed) expect(postmaster()).not.toBe(starting)
    client.child.stdin?.end()
    expect(await client.ended).toBe(0)
    folder.expectNothingLeft()
  }
})

/** The main process of the server, as soon as it has written down that it is there. */
function startedServer(): number | undefined {
  const data = identify(join(folder.path, 'pg18'))
  return data && findPostmaster(data)
}

/** T when it is stopped (proc(5)). */
function stateOf(pid: number): string | undefined {
  return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
}

function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return undefined
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

function unfinished(): FolderIdentity | undefined {
  try {
    const name = readdirSync(folder.path).find(entry => entry.startsWith('pg18.new-'))
    return name === undefined ? undefined : identify(join(folder.path, name))
  } catch {
    return undefined
  }
}
