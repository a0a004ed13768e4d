import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { inTransaction, waitWithoutBound } from '#connections.ts'
import { acquireLease, type Database, migrate, openDatabase, queryBackups } from '#index.ts'
import { bundledPrograms, type PostgresServer, startPostgresServer } from '#test/postgres-server.ts'

// A server that hangs and a network that swallows everything say nothing: no call may wait for them for ever.

// Short, since all that fails here takes so long; a busy machine may need longer for what does not fail: see
// `inTheEnd`.
const LIMITS = { connectTimeoutMs: 2_000, statementTimeoutMs: 2_000 }
/** Until a connection is given up on which a statement runs. */
const GIVEN_UP_MS = 2_400

let server: PostgresServer
let url: string
beforeAll(async () => {
  server = await startPostgresServer(bundledPrograms)
  url = await server.newDatabase()
  const database = await openDatabase({ url })
  await migrate(database)
  await database.close()
})
afterAll(() => server.stop())

/**
 * What a server that is well does for us, though the machine may at times have no room for it within the
 * limits.
 */
async function inTheEnd<Result>(work: () => Promise<Result>, tries = 5): Promise<Result> {
  return work().catch((error: unknown) => {
    if (tries === 0) throw error
    return inTheEnd(work, tries - 1)
  })
}

const opened: Database[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const database of opened.splice(0)) await database.close()
})

async function open(more: { url?: string; connections?: number } = {}): Promise<Database> {
  const database = await inTheEnd(() => openDatabase({ url, ...LIMITS, ...more }))
  opened.push(database)
  return database
}

/** Waits until it fails as it should: what is waited for for ever never gets here. */
async function failure(work: Promise<unknown>): Promise<void> {
  await expect(work).rejects.toMatchObject({
    name: 'CatalogError',
    code: 'CATALOG',
    message: expect.stringMatching(/answer|took too long|connection/),
    hint: expect.stringMatching(/.{20}/),
  })
}

/** A way to the server that can swallow everything in both directions, and takes new connections even so. */
async function swallowingProxy(): Promise<{ url: string; isSwallowing: boolean; close(): void }> {
  const sockets: Socket[] = []
  const target = new URL(url)
  const serverPort = Number(target.port)
  const listener = createServer(client => {
    const upstream = connect(serverPort, '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.push(from)
      from.on('error', () => {})
      from.on('close', () => proxy.isSwallowing || to.destroy())
      from.on('data', data => proxy.isSwallowing || to.write(data))
    }
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  target.port = String(typeof address === 'object' && address ? address.port : 0)
  const proxy = {
    url: target.href,
    isSwallowing: false,
    close: () => {
      listener.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return proxy
}

describe('a server that stands still', () => {
  afterEach(() => server.thaw())

  test('is not waited for beyond the bound, neither by a statement nor by a new connection, and all goes on when it is back', async () => {
    const database = await open()
    await inTheEnd(() => queryBackups(database))
    const running = sql`select pg_sleep(60), 1`.execute(database.kysely)
    await delay(100)
    server.freeze()
    await Promise.all([
      failure(running),
      failure(queryBackups(database)),
      failure(openDatabase({ url, ...LIMITS })),
    ])
    server.thaw()
    expect((await inTheEnd(() => queryBackups(database))).total).toBe(0)
  })

  test('lets a lease count only as long as its last renewal does, and counts it again when it is back', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
    const database = await open()
    const lease = await inTheEnd(() => acquireLease(database, { subject: randomUUID(), purpose: 'job' }))
    server.freeze()
    vi.advanceTimersByTime(34_000)
    expect(lease?.isHeld()).toBe(true)
    vi.advanceTimersByTime(2_000)
    expect(lease?.isHeld()).toBe(false)
    server.thaw()
    // What was asked of the frozen server may be answered now or given up; the next beat asks again.
    await expect
      .poll(() => {
        vi.advanceTimersByTime(10_000)
        return lease?.isHeld()
      })
      .toBe(true)
    await lease?.release()
  })

  test('does not keep a catalog from being closed', async () => {
    const database = await inTheEnd(() => openDatabase({ url, ...LIMITS }))
    await inTheEnd(() => queryBackups(database))
    server.freeze()
    await database.close()
  })
})

test('a network that swallows everything is not waited for beyond the bound, also in a transaction', async () => {
  const proxy = await swallowingProxy()
  const database = await open({ url: proxy.url, connections: 3 })
  const transaction = inTransaction(database.kysely, async trx => {
    await sql`select 1`.execute(trx)
    proxy.isSwallowing = true
    await sql`select 2`.execute(trx)
  })
  await failure(transaction)
  proxy.isSwallowing = false
  const rounds = [1, 2, 3, 4, 5, 6].map(() => inTheEnd(() => queryBackups(database)))
  expect(await Promise.all(rounds)).toHaveLength(6)
  await database.close()
  proxy.close()
})

test('a statement that takes too long, or waits too long for a lock, is ended by the server; the connection stays', async () => {
  const database = await open()
  await failure(sql`select pg_sleep(60)`.execute(database.kysely))
  const subject = randomUUID()
  // One whose answer came too late is held all the same, and then there is none for the next try.
  const lease = await inTheEnd(() => acquireLease(database, { subject, purpose: 'job' }))
  const locked = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  const holder = await openDatabase({ url })
  const holding = inTransaction(holder.kysely, async trx => {
    await trx.selectFrom('leases').selectAll().where('subject', '=', subject).forUpdate().execute()
    locked.resolve()
    await done.promise
  })
  await locked.promise
  const waiting = acquireLease(database, { subject, purpose: 'send' })
  await failure(waiting)
  done.resolve()
  await holding
  expect(await inTheEnd(() => acquireLease(database, { subject, purpose: 'send' }))).toBeNull()
  await Promise.all([lease?.release(), holder.close()])
})

test('a transaction that stands still gives up its locks', async () => {
  const database = await open()
  const other = await openDatabase({ url })
  const standing = inTransaction(database.kysely, async trx => {
    await sql`select pg_advisory_xact_lock(7)`.execute(trx)
    await delay(2 * LIMITS.statementTimeoutMs)
    await sql`select 1`.execute(trx)
  })
  const failed = failure(standing)
  await delay(100)
  await inTransaction(other.kysely, trx => sql`select pg_advisory_xact_lock(7)`.execute(trx))
  await failed
  await other.close()
})

test('work that asked for patience is not ended, and only that work', async () => {
  const database = await open({ connections: 3 })
  await inTheEnd(
    () =>
      inTransaction(database.kysely, async trx => {
        await waitWithoutBound(trx)
        await sql`select pg_sleep(${GIVEN_UP_MS / 1_000 + 0.5})`.execute(trx)
      }),
    2,
  )
  await failure(sql`select pg_sleep(60)`.execute(database.kysely))
})
