import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Database,
  getJob,
  type Job,
  listMessages,
  migrate,
  openDatabase,
  queryBackups,
  recoverJob,
  sqlRunner,
} from '@telegram-backup/database'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'
import {
  type HeldCall,
  holdCall,
  SOURCE_NAMES,
  untilJob,
  writeSources,
} from '@telegram-backup/test-support/jobs-world.ts'
import { expectNothingLost } from '@telegram-backup/test-support/nothing-lost.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { type ServeProcess, startServe } from '@telegram-backup/test-support/serve-process.ts'
import { startBundledServer } from '@telegram-backup/test-support/servers/bundled-server.ts'
import type { PostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { expectAtRest, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterEach, expect, test, vi } from 'vitest'

const JOBS = 40
const JOBS_AT_ONCE = 5
const TESTER = 'the-test'
/**
 * When it is kept, all calls have made their messages; one that may never have is looked for again for 15
 * minutes.
 */
const LAST_PART = 4

interface Stage {
  vault: TestVault
  chat: TestChat
  database: Database
  /** Of one machine; each has a state folder of its own. */
  envOf(machine: string): Record<string, string>
}

const closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openStage(databaseUrl: string | undefined): Promise<Stage> {
  const vault = await openTestVault()
  closing.push(() => vault.close())
  const chat = await openChat(vault)
  const config = await writeSources(vault.folder)
  const envOf = (machine: string): Record<string, string> => ({
    ...chat.env,
    TELEGRAM_BACKUP_HOME: join(vault.folder, machine),
    TELEGRAM_BACKUP_CONFIG: config,
    BACKUP_SIGNING_KEY_FILE: join(vault.folder, 'signing-key.pem'),
    LOG_LEVEL: 'warn',
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
  })
  const database = await openDatabase(
    databaseUrl === undefined
      ? { dataDir: join(vault.folder, 'home') }
      : { url: `${databaseUrl}?application_name=${TESTER}` },
  )
  closing.push(() => database.close())
  await migrate(database)
  return { vault, chat, database, envOf }
}

/** A PostgreSQL for all, reached by a URL. */
async function openServer(): Promise<PostgresServer> {
  const server = await startBundledServer()
  closing.push(() => server.stop())
  return server
}

async function submitBackups({ database }: Stage, count: number): Promise<string[]> {
  const queue = await openJobQueue(database, { tends: false })
  const ids: string[] = []
  for (let number = 0; number < count; number++) {
    const source = SOURCE_NAMES[number % SOURCE_NAMES.length] ?? ''
    ids.push((await queue.submit({ kind: 'backup', projectId: source, source })).job.id)
  }
  await queue.stop()
  return ids
}

/** Every job done, each with a complete backup of its own, and not one more; nothing stray in the chat. */
async function expectEachOnce(
  { vault, chat, database, envOf }: Stage,
  jobIds: readonly string[],
): Promise<Job[]> {
  const jobs = await Promise.all(jobIds.map(id => getJob(database, id)))
  const done = jobs.filter(job => job !== null)
  expect(done.map(({ state, error }) => ({ state, error }))).toEqual(
    jobIds.map(() => ({ state: 'done', error: null })),
  )
  // Calls whose answer died with a process are looked for for a quarter of an hour; this looks once more,
  // now.
  expect(await runCli(['reconcile', '--json'], { env: envOf('home') })).toMatchObject({ code: 0 })
  const { data } = await queryBackups(database, { state: 'complete' })
  expect(data.map(({ id }) => id).sort()).toEqual(done.map(({ backup_id }) => backup_id).sort())
  for (const { source, backup_id } of done) {
    expect(data.find(({ id }) => id === backup_id)).toMatchObject({ project_id: source, source_name: source })
  }
  await expectAtRest(chat, database)
  await expectNothingLost(vault, { database, chatId: chat.chatId })
  return done
}

test('three serve on one PostgreSQL, killed again and again: each of forty jobs is done once', {
  timeout: 900_000,
}, async () => {
  const server = await openServer()
  const stage = await openStage(server.url('postgres'))
  const services = ['one', 'two', 'three'].map(machine => ({
    machine,
    process: startServe(stage.envOf(machine)),
  }))
  closing.push(async () => {
    for (const { process } of services) await process.end('SIGKILL')
  })
  await Promise.all(services.map(({ process }) => process.ready))
  const random = randomOf(20261125)
  const killOne = async (): Promise<void> => {
    const victim = services[Math.floor(random() * services.length)]
    await victim?.process.end('SIGKILL')
    if (victim !== undefined) victim.process = startServe(stage.envOf(victim.machine))
  }
  const ids: string[] = []
  while (ids.length < JOBS) {
    // However fast the machine is: one upload waits while somebody is killed, so work is under way at each of
    // these kills.
    const held = holdCall(stage.vault, {
      method: 'senddocument',
      phase: 'kept',
      caption: / part=/,
      nth: 1 + Math.floor(random() * LAST_PART),
    })
    ids.push(...(await submitBackups(stage, JOBS_AT_ONCE)))
    await held.reached
    await killOne()
    held.release()
    // Two more when they happen to come: in the middle of a call, of a statement, of a start, or of nothing.
    for (let kill = 0; kill < 2; kill++) {
      await sleep(random() * 2_500)
      await killOne()
    }
  }
  const isOver = async (): Promise<boolean> =>
    (await Promise.all(ids.map(id => getJob(stage.database, id)))).every(
      job => job?.state !== 'queued' && job?.state !== 'running',
    )
  const until = performance.now() + 700_000
  while (!(await isOver())) {
    if (performance.now() > until)
      throw new Error(`not over: ${services.map(({ process }) => process.log()).join('\n')}`)
    await sleep(500)
  }
  for (const { process } of services) {
    await process.ready
    expect(await process.end('SIGTERM'), process.log()).toBe(0)
  }
  const done = await expectEachOnce(stage, ids)
  expect(new Set(done.map(({ worker }) => worker)).size).toBeGreaterThan(2)
  // Nobody but this test is connected any more.
  const { rows } = await sqlRunner(stage.database).executeSql(
    `select application_name from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend' and application_name <> $1`,
    [TESTER],
  )
  expect(rows).toEqual([])
})

/** One serve with one backup, whose last part is in the chat and not answered for. */
async function heldAtLastPart(): Promise<{ stage: Stage; id: string; first: ServeProcess; held: HeldCall }> {
  const stage = await openStage(undefined)
  const [id = ''] = await submitBackups(stage, 1)
  const first = startServe(stage.envOf('home'))
  closing.push(() => first.end('SIGKILL'))
  const held = holdCall(stage.vault, {
    method: 'senddocument',
    phase: 'kept',
    caption: / part=/,
    nth: LAST_PART,
  })
  await held.reached
  return { stage, id, first, held }
}

test('a backup that is to be cancelled when its process dies is taken back by the next one', async () => {
  const { stage, id, first, held } = await heldAtLastPart()
  const queue = await openJobQueue(stage.database, { tends: false })
  const killed = first.end('SIGKILL')
  expect(await queue.cancel(id)).toMatchObject({ state: 'running' })
  await queue.stop()
  await killed
  held.release()
  const second = startServe(stage.envOf('home'))
  closing.push(() => second.end('SIGKILL'))
  const job = await untilJob(stage.database, id, ['cancelled', 'done', 'failed'], { withinMs: 240_000 })
  expect(job.state).toBe('cancelled')
  expect(await second.end('SIGTERM')).toBe(0)
  const { data } = await queryBackups(stage.database, {})
  expect(data.map(({ state }) => state)).toEqual(['failed'])
  await expectAtRest(stage.chat, stage.database)
})

test('a backup that waits to go on and is cancelled meanwhile leaves nothing', async () => {
  const { stage, id, first, held } = await heldAtLastPart()
  await first.end('SIGKILL')
  held.release()
  const queue = await openJobQueue(stage.database, { tends: false })
  await recoverJob(stage.database, id, () => ({ state: 'queued' }), queue.deliver)
  expect(await queue.cancel(id)).toMatchObject({ state: 'cancelled', backup_id: expect.any(String) })
  await queue.stop()
  expect(stage.chat.messages().length).toBeGreaterThan(0)
  const second = startServe(stage.envOf('home'))
  closing.push(() => second.end('SIGKILL'))
  const { data } = await queryBackups(stage.database, {})
  const isTakenBack = async (): Promise<boolean> => {
    const rows = await Promise.all(data.map(backup => listMessages(stage.database, backup.id)))
    return rows.flat().every(({ state }) => state !== 'sent' && state !== 'intended')
  }
  await vi.waitUntil(isTakenBack, { timeout: 240_000, interval: 200 })
  expect(await second.end('SIGTERM')).toBe(0)
  await expectAtRest(stage.chat, stage.database)
})

test('two serve in one state folder share the embedded catalog; one is killed, the other does the rest', async () => {
  const stage = await openStage(undefined)
  const services: ServeProcess[] = [startServe(stage.envOf('home')), startServe(stage.envOf('home'))]
  closing.push(async () => {
    for (const service of services) await service.end('SIGKILL')
  })
  await Promise.all(services.map(({ ready }) => ready))
  const ids = await submitBackups(stage, 8)
  const [first = ''] = ids
  await untilJob(stage.database, first, ['running', 'done'])
  await services[0]?.end('SIGKILL')
  for (const id of ids) await untilJob(stage.database, id, ['done', 'failed'])
  expect(await services[1]?.end('SIGTERM')).toBe(0)
  await expectEachOnce(stage, ids)
})

/** mulberry32: the same kills at each run, as far as the clock allows. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
