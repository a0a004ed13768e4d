import {
  createSchedule,
  getBackupById,
  getSchedule,
  listRetentionPolicies,
  listSchedules,
  listSourcePolicies,
  type NewSchedule,
  pinBackup,
  removeSchedule,
  setRetentionPolicy,
  updateSchedule,
} from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { refreshIndex } from 'telegram-deployment-bot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { drawIndex } from '#ledger/draw-index.ts'

const NIGHTLY = {
  id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  source: 'shop-db',
  projectId: 'shop',
  type: 'database',
  cron: '33 5 * * *',
  timezone: 'Europe/Berlin',
  keep: { daily: 7, within_ms: 86_400_000 },
  jitterSeconds: 60,
  catchUp: 'skip',
  nextRunAt: new Date('2026-01-01'),
} satisfies NewSchedule
const PAUSED = { ...NIGHTLY, id: '8c9e6679-7425-40de-944b-e07fc1f90ae7', enabled: false, nextRunAt: null }

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

/** Has the index say what the catalog of that machine says. */
async function publish(
  { database, client, signingKey }: Machine,
  vault = createCatalogVault(database),
): Promise<void> {
  const { chatId, recipient } = machines.vault
  const encryption = { recipients: [recipient] }
  const options = { chatId: String(chatId), encryption, signingKey }
  await refreshIndex(client, vault, options)
}

const drawn = ({ database }: Machine) => drawIndex(database, String(machines.vault.chatId))

describe('a new machine', () => {
  test('has the schedules, policies and pins of the old one, and draws the same index', async () => {
    const { id } = await old.send(1000)
    await pinBackup(old.database, id, true)
    await createSchedule(old.database, NIGHTLY)
    await createSchedule(old.database, PAUSED)
    await setRetentionPolicy(old.database, { project_id: 'shop', type: 'logs', keep: { last: 3 } })
    await setRetentionPolicy(old.database, { project_id: 'shop', type: 'storage', keep: {} })
    await publish(old)
    const next = await machines.open()
    const before = Date.now()
    const { plans } = await next.recover()
    expect(plans).toMatchObject({
      schedules: [
        { id: NIGHTLY.id, source: 'shop-db', enabled: true, outcome: 'added' },
        { id: PAUSED.id, enabled: false, outcome: 'added' },
      ],
      retention: [
        { project: 'shop', type: 'logs', outcome: 'added' },
        { project: 'shop', type: 'storage', outcome: 'added' },
      ],
      notes: [],
    })
    const { generation: _, backups, ...rest } = await drawn(next)
    const { generation: __, backups: oldBackups, ...oldRest } = await drawn(old)
    expect(rest).toEqual(oldRest)
    const without = (list: typeof backups) => list.map(({ history, ...backup }) => backup)
    expect(without(backups)).toEqual(without(oldBackups))
    const index = await machines.index()
    expect(index.schedules).toEqual(oldRest.schedules)
    expect(index.generation).toBeGreaterThan(1)
    expect((await getBackupById(next.database, id))?.pinned_at).toBeInstanceOf(Date)
    // Times that were missed meanwhile are not made up for: the old machine may have met them.
    const nightly = await getSchedule(next.database, NIGHTLY.id)
    expect(nightly?.next_run_at?.getTime()).toBeGreaterThan(before)
    expect((await getSchedule(next.database, PAUSED.id))?.next_run_at).toBeNull()
    expect(await listRetentionPolicies(next.database)).toEqual(await listRetentionPolicies(old.database))
  })

  test('changes nothing when it recovers again, nor what a person has changed since', async () => {
    await old.send(1000)
    await createSchedule(old.database, NIGHTLY)
    await setRetentionPolicy(old.database, { project_id: 'shop', type: 'logs', keep: { last: 3 } })
    await publish(old)
    const next = await machines.open()
    await next.recover()
    await updateSchedule(next.database, NIGHTLY.id, { cron: '1 1 * * *' })
    await setRetentionPolicy(next.database, { project_id: 'shop', type: 'logs', keep: { last: 4 } })
    const { plans } = await next.recover()
    expect(plans?.schedules).toMatchObject([{ cron: '1 1 * * *', outcome: 'known' }])
    expect(plans?.retention).toMatchObject([{ outcome: 'known' }])
    expect(await getSchedule(next.database, NIGHTLY.id)).toMatchObject({ cron: '1 1 * * *' })
    expect((await machines.index()).schedules).toMatchObject([{ cron: '1 1 * * *' }])
    expect((await machines.index()).retention).toMatchObject([{ keep: { last: 4 } }])
  })
})

test('an older catalog takes what another machine has changed since; what that one removed is switched off', async () => {
  await old.send(1000)
  await createSchedule(old.database, NIGHTLY)
  await createSchedule(old.database, { ...NIGHTLY, id: '9c9e6679-7425-40de-944b-e07fc1f90ae7' })
  await publish(old)
  const next = await machines.open()
  await next.recover()
  await updateSchedule(next.database, NIGHTLY.id, { cron: '1 1 * * *', keep: null })
  await next.database.kysely.deleteFrom('schedules').where('id', '<>', NIGHTLY.id).execute()
  await publish(next)
  const { plans } = await old.recover()
  expect(plans?.schedules.map(({ enabled, outcome }) => [enabled, outcome])).toEqual([
    [true, 'changed'],
    [false, 'off'],
  ])
  expect(await getSchedule(old.database, NIGHTLY.id)).toMatchObject({ cron: '1 1 * * *', keep: null })
  expect(
    (await listSchedules(old.database)).map(({ enabled, next_run_at }) => [enabled, next_run_at]),
  ).toEqual([
    [true, expect.any(Date)],
    [false, null],
  ])
})

test('an index by a program that knows no plans says so; one that has none does not', async () => {
  await old.send(1000)
  await publish(old)
  expect((await (await machines.open()).recover()).plans?.notes).toEqual([])
  const third = await machines.open()
  await third.recover()
  await createSchedule(third.database, NIGHTLY)
  const vault = createCatalogVault(third.database)
  const drawIndex: typeof vault.drawIndex = async chatId => {
    const { hasPlans: _, schedules: __, ...known } = await vault.drawIndex(chatId)
    return known
  }
  await publish(third, { ...vault, drawIndex })
  const { plans } = await (await machines.open()).recover()
  expect(plans).toMatchObject({
    schedules: [],
    notes: [expect.stringContaining('An earlier version of this program')],
  })
})

test('what a removed schedule kept comes back as well, and stays known', async () => {
  await old.send(1000)
  await createSchedule(old.database, NIGHTLY)
  await createSchedule(old.database, { ...NIGHTLY, id: PAUSED.id, keep: { last: 3 } })
  await removeSchedule(old.database, NIGHTLY.id)
  await removeSchedule(old.database, PAUSED.id)
  await publish(old)
  const next = await machines.open()
  const told = { project: 'shop', type: 'database', source: 'shop-db' }
  const outcomes = (outcome: string) => ({ schedules: [], retention: Array(2).fill({ ...told, outcome }) })
  expect((await next.recover()).plans).toMatchObject(outcomes('added'))
  expect((await next.recover()).plans).toMatchObject(outcomes('known'))
  const kept = async ({ database }: Machine) => (await listSourcePolicies(database)).map(({ keep }) => keep)
  expect(new Set(await kept(next))).toEqual(new Set([NIGHTLY.keep, { last: 3 }]))
  expect((await drawn(next)).retention).toEqual((await drawn(old)).retention)
})

test('what no version can read comes back switched off, and is told', async () => {
  await old.send(1000)
  await createSchedule(old.database, { ...NIGHTLY, cron: 'at tea time' })
  await publish(old)
  const next = await machines.open()
  const { plans } = await next.recover()
  expect(plans?.notes).toEqual([expect.stringMatching(/^The schedule of "shop-db" was switched off: /)])
  expect(await getSchedule(next.database, NIGHTLY.id)).toMatchObject({ enabled: false, next_run_at: null })
})

test('of two chats, the index that was drawn last tells', async () => {
  const { emulator } = machines.vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('no bot')
  const replica = emulator.createChat({ type: 'channel', title: 'Copy', administrators: [{ bot }] }).id
  await createSchedule(old.database, NIGHTLY)
  await old.send(1000, { replicaChatId: String(replica) })
  await updateSchedule(old.database, NIGHTLY.id, { cron: '1 1 * * *' })
  const encryption = { recipients: [machines.vault.recipient] }
  const options = { chatId: String(replica), encryption, signingKey: old.signingKey }
  await refreshIndex(old.client, createCatalogVault(old.database), options)
  const next = await machines.open()
  const { plans } = await next.recover({ replicaChat: String(replica) })
  expect(plans?.schedules).toMatchObject([{ cron: '1 1 * * *', outcome: 'added' }])
  for (const chatId of [machines.vault.chatId, replica]) {
    expect((await machines.index(chatId)).schedules).toMatchObject([{ cron: '1 1 * * *' }])
  }
})

test('schedules of another catalog come switched off into one that is at work', async () => {
  await old.send(1000)
  await createSchedule(old.database, NIGHTLY)
  await publish(old)
  const { emulator, chatId } = machines.vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('no bot')
  const own = emulator.createChat({ type: 'channel', title: 'Own', administrators: [{ bot }] }).id
  const other = await machines.open({ chatId: own })
  await other.send(1000)
  const { plans } = await other.recover({ chat: String(chatId) })
  expect(plans?.schedules).toMatchObject([{ enabled: false, outcome: 'added' }])
  expect(plans?.notes).toEqual([
    'The schedules belong to another catalog, so they were restored switched off.',
  ])
})
