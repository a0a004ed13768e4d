import { randomUUID } from 'node:crypto'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import {
  acquireLease,
  type Database,
  failBackup,
  type Lease,
  markErasing,
  migrate,
  openDatabase,
  openSends,
} from '#index.ts'
import { type ClientProcess, startProgram } from '#test/client-process.ts'
import { bundledPrograms, type PostgresServer, startPostgresServer } from '#test/postgres-server.ts'
import { TestSend } from '#test/test-send.ts'

// Leases between processes, as clocks pass, and in any order.

let server: PostgresServer
let url: string
let database: Database
beforeAll(async () => {
  server = await startPostgresServer(bundledPrograms)
  url = await server.newDatabase()
  database = await openDatabase({ url })
  await migrate(database)
})
afterAll(async () => {
  await database.close()
  await server.stop()
})

const children: ClientProcess[] = []
const leases: Lease[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const { child, ended } of children.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
  for (const lease of leases.splice(0)) await lease.release()
})

function start(subject: string, ...more: string[]): ClientProcess {
  const program = import.meta.resolve('#test/programs/lease-holder.ts')
  const holder = startProgram(program, [url, subject, ...more])
  children.push(holder)
  return holder
}

async function acquire(subject: string): Promise<Lease | null> {
  const lease = await acquireLease(database, { subject, purpose: 'reconcile' })
  if (lease) leases.push(lease)
  return lease
}

async function expire(subject: string): Promise<void> {
  await sql`update control_plane.leases set expires_at = clock_timestamp() where subject = ${subject}`.execute(
    database.kysely,
  )
}

test('a process that is killed holds nothing, and one that is alive is left alone', async () => {
  const subject = randomUUID()
  const holder = start(subject)
  await holder.said(/^held$/)
  expect(await acquire(subject)).toBeNull()
  await start(subject).said(/^busy$/)
  holder.child.kill('SIGKILL')
  await holder.ended
  expect(await acquire(subject)).not.toBeNull()
})

test('a process that was stopped for too long is told when it goes on', async () => {
  const subject = randomUUID()
  const holder = start(subject)
  await holder.said(/^held$/)
  holder.child.kill('SIGSTOP')
  expect(await acquire(subject)).toBeNull()
  await expire(subject)
  const lease = await acquire(subject)
  expect(lease).not.toBeNull()
  holder.child.kill('SIGCONT')
  await holder.said(/^lost LEASE_LOST$/)
  holder.child.stdin?.end('ask\n')
  await holder.said(/^is held false$/)
  expect(await holder.ended).toBe(0)
  expect(lease?.isHeld()).toBe(true)
})

test('a lease does not keep its process alive, and a process that is gone does not keep its lease', async () => {
  const subject = randomUUID()
  const holder = start(subject, 'leave')
  expect(await holder.ended).toBe(0)
  expect(holder.lines).toEqual(['held'])
  expect(await acquire(subject)).not.toBeNull()
})

test.each(['Date', 'performance'] as const)(
  'without news from the catalog a lease counts for 35 seconds by %s',
  async clock => {
    vi.useFakeTimers({ toFake: [clock] })
    const lease = await acquire(randomUUID())
    vi.advanceTimersByTime(34_000)
    expect(lease?.isHeld()).toBe(true)
    vi.advanceTimersByTime(2_000)
    expect(lease?.isHeld()).toBe(false)
    expect(lease?.signal.aborted).toBe(false)
  },
)

test('a heartbeat makes it last longer, by the clock of the database as well', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  const subject = randomUUID()
  const lease = await acquire(subject)
  await expire(subject)
  vi.advanceTimersByTime(36_000)
  await expect.poll(() => lease?.isHeld()).toBe(true)
  expect(await acquire(subject)).toBeNull()
})

test('a catalog that is closed or away stops neither the heartbeat nor the process', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const other = await openDatabase({ url })
  const subject = randomUUID()
  const lease = await acquireLease(other, { subject, purpose: 'send' })
  await other.close()
  vi.advanceTimersByTime(30_000)
  expect(lease?.isHeld()).toBe(true)
  await lease?.release()
  expect(lease?.isHeld()).toBe(false)
  await expire(subject)
})

type Step = { worker: 0 | 1; act: 'acquire' | 'release' | 'expire' | 'intend' | 'confirm' | 'fail' | 'erase' }
const step: fc.Arbitrary<Step> = fc.record({
  worker: fc.constantFrom(0, 1),
  act: fc.constantFrom('acquire', 'release', 'expire', 'intend', 'confirm', 'fail', 'erase'),
})

test('two workers in any order: never two who may write, and no open call is lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.option(step)), { maxLength: 12 }), async steps => {
      const send = new TestSend(database)
      await send.begin()
      const { backupId } = send
      const held: [Lease | undefined, Lease | undefined] = [send.lease, undefined]
      const begun = new Set<string>()
      const closed = new Set<string>()
      let partNumber = 0
      const act = async ({ worker, act }: Step): Promise<void> => {
        const leaseToken = held[worker]?.token ?? randomUUID()
        if (act === 'acquire') held[worker] = (await acquire(backupId)) ?? held[worker]
        else if (act === 'release') await held[worker]?.release()
        else if (act === 'expire') await expire(backupId)
        else if (act === 'fail') await failBackup(database, { backupId, error: 'x', leaseToken })
        else if (act === 'erase') leases.push(await markErasing(database, { backupId, evenTheLast: true }))
        else {
          partNumber += 1
          const mine = partNumber
          const { sendId } = await send.intend(mine, { leaseToken })
          begun.add(sendId)
          if (act === 'intend') return
          await send.confirm(mine, mine, undefined, sendId, leaseToken)
          closed.add(sendId)
        }
      }
      for (const pair of steps) {
        const outcomes = await Promise.allSettled(pair.filter(one => one !== null).map(act))
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected')
            expect(outcome.reason.code).toMatch(/^(LEASE_LOST|CONFLICT|BUSY)$/)
        }
        const tokens = await database.kysely
          .selectFrom('leases')
          .select('token')
          .where('subject', '=', backupId)
          .execute()
        expect(tokens.length).toBeLessThanOrEqual(1)
        const writers = []
        for (const lease of [...held, ...leases].filter(lease => lease?.subject === backupId)) {
          const writing = send.intend(900, { leaseToken: lease?.token })
          const mayWrite = await writing.then(
            ({ sendId }) => begun.add(sendId),
            (error: { code?: string }) => error.code !== 'LEASE_LOST',
          )
          if (mayWrite) writers.push(lease?.token)
        }
        expect(new Set(writers).size).toBeLessThanOrEqual(1)
      }
      const open = (await openSends(database, { backupId })).map(({ id }) => id)
      expect(new Set(open)).toEqual(begun.difference(closed))
      for (const lease of held) await lease?.release()
    }),
    { numRuns: roundsOf(12) },
  )
})
