import { createSchedule, type NewSchedule, pinBackup, updateSchedule } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Config, readConfig } from '#environment.ts'
import { keepIndexesFresh, refreshQuietly } from '#service/fresh-indexes.ts'
import { openTelegram } from '#wiring.ts'

const NIGHTLY = {
  id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  source: 'shop-db',
  projectId: 'shop',
  type: 'database',
  cron: '33 5 * * *',
  timezone: 'UTC',
  nextRunAt: null,
} satisfies NewSchedule

let machines: Machines
let machine: Machine
let config: Config

beforeEach(async () => {
  machines = await openMachines()
  machine = await machines.open()
  config = readConfig(await cliEnvironment(machines.vault))
  // The client takes it from the environment.
  vi.stubEnv('TELEGRAM_API_ROOT', machines.vault.emulator.url)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await machines.close()
})

async function refresh(more: Partial<Config> = {}): Promise<string[]> {
  const notes: string[] = []
  const { database } = machine
  const signal = new AbortController().signal
  const used = { ...config, ...more }
  const openClient = () => openTelegram(used)
  await refreshQuietly({ config: used, database, openClient, signal, note: line => notes.push(line) })
  return notes
}

test('what was changed by hand is in the index at once, and nothing else is in the chat', async () => {
  const { id } = await machine.send(1000)
  const messages = machines.vault.messageIds()
  await createSchedule(machine.database, NIGHTLY)
  expect(await refresh()).toEqual([])
  expect((await machines.index()).schedules).toMatchObject([{ id: NIGHTLY.id, cron: '33 5 * * *' }])
  await pinBackup(machine.database, id, true)
  expect(await refresh()).toEqual([])
  expect((await machines.index()).backups).toMatchObject([{ id, pinnedAt: expect.any(String) }])
  expect(machines.vault.messageIds()).toEqual(messages)
})

test('no chat is asked when its index says it already, or when nothing was ever sent', async () => {
  const { emulator } = machines.vault
  await createSchedule(machine.database, NIGHTLY)
  const before = emulator.inspect.requests().length
  expect(await refresh()).toEqual([])
  expect(emulator.inspect.requests().length).toBe(before)
  await machine.send(1000)
  const { edition } = await machines.index()
  const after = emulator.inspect.requests().length
  expect(await refresh()).toEqual([])
  expect(emulator.inspect.requests().length).toBe(after)
  expect((await machines.index()).edition).toBe(edition)
})

test('a chat that is away stops nobody: it is told, and made up for the next time', async () => {
  await machine.send(1000)
  await createSchedule(machine.database, NIGHTLY)
  const away = await refresh({ chatId: '-1009999999999' })
  expect(away).toEqual([])
  const wrong = await refresh({ token: '1:wrong' })
  expect(wrong).toEqual([expect.stringContaining('warning: the index in the chat is not up to date yet')])
  expect(await machines.index()).not.toHaveProperty('schedules')
  expect(await refresh()).toEqual([])
  expect((await machines.index()).schedules).toHaveLength(1)
})

test('a service draws the index anew when the catalog says something else, only then, and until it is stopped', async () => {
  await machine.send(1000)
  const warnings: unknown[] = []
  const { database, client } = machine
  const keeper = keepIndexesFresh({
    database,
    client,
    config,
    everyMs: 20,
    log: { info: () => {}, warn: (facts: unknown) => void warnings.push(facts) },
  })
  await createSchedule(database, NIGHTLY)
  await vi.waitFor(async () => expect((await machines.index()).schedules).toHaveLength(1), 60_000)
  const { edition } = await machines.index()
  // The round that drew it may not be over; the ten after it ask the chat nothing.
  const { inspect } = machines.vault.emulator
  for (let asked = -1; asked !== inspect.requests().length; ) {
    asked = inspect.requests().length
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  expect((await machines.index()).edition).toBe(edition)
  await updateSchedule(database, NIGHTLY.id, { cron: '1 1 * * *' })
  await vi.waitFor(
    async () => expect((await machines.index()).schedules).toMatchObject([{ cron: '1 1 * * *' }]),
    60_000,
  )
  await keeper.stop()
  await updateSchedule(database, NIGHTLY.id, { cron: '2 2 * * *' })
  await new Promise(resolve => setTimeout(resolve, 100))
  expect((await machines.index()).schedules).toMatchObject([{ cron: '1 1 * * *' }])
  expect(warnings).toEqual([])
})
