import { randomUUID } from 'node:crypto'
import {
  acquireLease,
  beginRestore,
  deleteBackup,
  finishRestore,
  queryBackups,
  queueFacts,
  setRetentionPolicy,
} from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { reconcile } from '@telegram-backup/vault/reconcile/reconcile.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import type { SessionReport } from '@telegram-backup/vault/session/report.ts'
import type { VaultSession } from '@telegram-backup/vault/session/session.ts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readConfig } from '#environment.ts'
import { applyRetention } from '#retention/apply-retention.ts'
import { planRetention } from '#retention/catalog-plan.ts'

let machines: Machines
let machine: Machine

beforeEach(async () => {
  machines = await openMachines()
  machine = await machines.open()
})

afterEach(() => machines.close())

const NOT_NOW = { kind: 'error', errorCode: 400, description: 'Bad Request: not now' } as const

async function open(say: (line: string) => void = () => {}): Promise<VaultSession> {
  const { database, client } = machine
  const config = readConfig(await cliEnvironment(machines.vault))
  return await openSession({ database, client, config, signal: new AbortController().signal, say })
}

/** Oldest first. Each is a part and a manifest; the policy keeps only the newest. */
async function sendAndKeepOne(count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) ids.push((await machine.send(1000)).id)
  await setRetentionPolicy(machine.database, { project_id: 'shop', type: 'database', keep: { last: 1 } })
  return ids
}

async function expire(): Promise<SessionReport> {
  const session = await open()
  await applyRetention(session, await planRetention(machine.database), {
    agreed: true,
    waitForLiving: false,
  })
  return session.report
}

async function runReconcile(): Promise<SessionReport> {
  return await reconcile(await open())
}

const erasedBy = ({ erased_backups }: SessionReport): Set<string> =>
  new Set(erased_backups.map(({ backup_id }) => backup_id))

/** By state, in the catalog and in the index. */
async function whereTheyAre(): Promise<{ catalog: Record<string, number>; index: Record<string, number> }> {
  const count = (states: readonly { state: string }[]): Record<string, number> =>
    Object.fromEntries(
      [...Map.groupBy(states, ({ state }) => state)].map(([state, of]) => [state, of.length]),
    )
  const { data } = await queryBackups(machine.database)
  return { catalog: count(data), index: count((await machines.index()).backups) }
}

async function expectOnly(newest: string): Promise<void> {
  expect((await machines.index()).backups).toMatchObject([{ id: newest, state: 'complete' }])
  expect(machines.vault.messageIds()).toHaveLength(2)
  const { kysely } = machine.database
  expect(await kysely.selectFrom('leases').selectAll().execute()).toEqual([])
}

/** How often the index was drawn, and how often a message deleted, while something was done. */
async function callsOf(work: () => Promise<unknown>): Promise<{ drawings: number; deletions: number }> {
  const { inspect } = machines.vault.emulator
  const before = [inspect.calls('editMessageMedia'), inspect.calls('deleteMessage')] as const
  await work()
  return {
    drawings: inspect.calls('editMessageMedia') - before[0],
    deletions: inspect.calls('deleteMessage') - before[1],
  }
}

it('many that go at once cost two drawings of the index, and one call for each of their messages', async () => {
  const ids = await sendAndKeepOne(8)
  expect(await callsOf(expire)).toEqual({ drawings: 2, deletions: 14 })
  await expectOnly(ids.at(-1) ?? '')
})

it('and so do many that a library has marked, at the next reconcile', async () => {
  const ids = await sendAndKeepOne(5)
  for (const id of ids.slice(0, -1)) await deleteBackup(machine.database, id)
  expect(await callsOf(runReconcile)).toEqual({ drawings: 2, deletions: 8 })
  await expectOnly(ids.at(-1) ?? '')
})

it('the index says of each that it goes before the first message of any of them does', async () => {
  await sendAndKeepOne(4)
  const seen: object[] = []
  const unwatch = machines.vault.emulator.watch(async ({ method, phase }) => {
    if (method === 'deletemessage' && phase === 'arrived' && seen.length === 0)
      seen.push(await whereTheyAre())
  })
  await expire()
  unwatch()
  expect(seen).toEqual([{ catalog: { complete: 1, erasing: 3 }, index: { complete: 1, erasing: 3 } }])
})

it('one whose message stays holds up none of the others, and goes with the next run', async () => {
  const ids = await sendAndKeepOne(4)
  machines.vault.emulator.faults.on('deleteMessage', { call: 1, calls: 1 }, NOT_NOW)
  const first = await expire()
  expect(first.pending).toMatchObject([
    { reason: expect.stringContaining('1 of its messages could be neither') },
  ])
  expect(await whereTheyAre()).toMatchObject({
    catalog: { erased: 2, erasing: 1 },
    index: { complete: 1, erasing: 1 },
  })
  expect((await expire()).isDone).toBe(true)
  await expectOnly(ids.at(-1) ?? '')
})

it('what is kept since the plan was made stays', async () => {
  const ids = await sendAndKeepOne(3)
  const plan = await planRetention(machine.database)
  await setRetentionPolicy(machine.database, { project_id: 'shop', type: 'database', keep: { last: 2 } })
  const session = await open()
  await applyRetention(session, plan, { agreed: true, waitForLiving: false })
  expect(erasedBy(session.report)).toEqual(new Set([ids[0]]))
  expect(session.report).toMatchObject({
    isDone: true,
    kept: [{ backup_id: ids[1], reason: 'last 2 of 2' }],
  })
  expect(await whereTheyAre()).toEqual({ catalog: { complete: 2, erased: 1 }, index: { complete: 2 } })
})

it('one that is being restored stays until that has ended, and the others go', async () => {
  const ids = await sendAndKeepOne(4)
  const { database } = machine
  const [reading = ''] = ids
  const restoreId = randomUUID()
  const lease = await acquireLease(database, { subject: restoreId, purpose: 'restore' })
  await beginRestore(database, { id: restoreId, backupId: reading, target: 'a folder' })
  const first = await expire()
  expect(erasedBy(first)).toEqual(new Set(ids.slice(1, -1)))
  expect(first).toMatchObject({ isDone: true, kept: [{ backup_id: reading, code: 'BUSY' }] })
  expect((await machines.index()).backups.map(({ id, state }) => [id, state])).toEqual([
    [reading, 'complete'],
    [ids.at(-1), 'complete'],
  ])
  await finishRestore(database, restoreId, { bytes: 1000 })
  await lease?.release()
  expect(erasedBy(await expire())).toEqual(new Set([reading]))
  await expectOnly(ids.at(-1) ?? '')
})

it('no message goes while the index cannot say that its backup goes', async () => {
  const ids = await sendAndKeepOne(3)
  const before = machines.vault.messageIds()
  const { faults } = machines.vault.emulator
  faults.on('editMessageMedia', { calls: 1 }, NOT_NOW)
  const first = await expire()
  expect(machines.vault.messageIds()).toEqual(before)
  expect(first.isDone).toBe(false)
  expect(first.pending[0]?.reason).toContain('the index of its chat does not mark the backup as erasing yet')
  expect((await runReconcile()).isDone).toBe(true)
  await expectOnly(ids.at(-1) ?? '')
})

it.each([
  ['UNREACHABLE', ['editMessageMedia']],
  ['ANSWER_LOST', ['editMessageMedia', 'getChat']],
])('a chat that is away while its index is drawn is held against no message: %s', async (code, methods) => {
  const ids = await sendAndKeepOne(2)
  const { faults } = machines.vault.emulator
  for (const method of methods) faults.on(method, { calls: 1000 }, { kind: 'reset-before' })
  const first = await expire()
  expect(first).toMatchObject({ isDone: false, indexes_left: [{ code }] })
  expect(await queueFacts(machine.database)).toMatchObject({ erase_failures: 0, backups: { erasing: 1 } })
  faults.clear()
  expect((await expire()).isDone).toBe(true)
  await expectOnly(ids.at(-1) ?? '')
})

it('what another run erases already is waited for, and is as it should be', async () => {
  const ids = await sendAndKeepOne(4)
  const going = new Set(ids.slice(0, -1))
  const stale = await planRetention(machine.database)
  const reports: Promise<SessionReport>[] = []
  /** Resolves once it waits for the other one. */
  const startAnother = (waitForLiving: boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const run = async (): Promise<SessionReport> => {
        const session = await open(line => {
          if (line.startsWith('waiting for another process')) resolve()
        })
        await applyRetention(session, stale, { agreed: true, waitForLiving })
        return session.report
      }
      const report = run()
      reports.push(report)
      report.then(() => resolve(), reject)
    })
  let isHeldUp = false
  const unwatch = machines.vault.emulator.watch(async ({ method, phase }) => {
    if (method !== 'deletemessage' || phase !== 'arrived' || isHeldUp) return
    isHeldUp = true
    await startAnother(true)
    await startAnother(false)
  })
  const first = await expire()
  unwatch()
  const [patient, service] = await Promise.all(reports)
  expect(erasedBy(first)).toEqual(going)
  expect(patient).toMatchObject({ pending: [], isDone: true })
  expect(patient?.erased_backups).toEqual(
    expect.arrayContaining([...going].map(backup_id => ({ backup_id, by_another_process: true }))),
  )
  expect(service).toMatchObject({ erased_backups: [], pending: [], isDone: true })
  expect(new Set(service?.kept.map(({ backup_id }) => backup_id))).toEqual(going)
  await expectOnly(ids.at(-1) ?? '')
})
