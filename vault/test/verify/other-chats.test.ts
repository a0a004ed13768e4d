import { getBackupById, listVerifications } from '@telegram-backup/database'
import {
  clientOf,
  openVerifiedVault,
  type VerifiedVault,
} from '@telegram-backup/test-support/verified-vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

const SIZE = 150_000

let v: VerifiedVault

beforeAll(async () => {
  v = await openVerifiedVault()
})

afterAll(() => v.close())

function openGroup(type: 'group' | 'supergroup'): number {
  const [bot] = v.vault.emulator.inspect.bots()
  if (bot === undefined) throw new Error('no bot')
  return v.vault.emulator.createChat({ type, title: 'Group', administrators: [{ bot }] }).id
}

it.each(['group', 'supergroup'] as const)('verifies in a %s, and leaves it as it was', async type => {
  const chatId = openGroup(type)
  const id = await v.send(SIZE, { chatId })
  const before = v.vault.emulator.inspect.messages(chatId)
  expect(await v.verify(id)).toMatchObject({ state: 'sound', depth: 'plain bytes', findings: [] })
  expect(await v.verify(id, { readData: false })).toMatchObject({ state: 'sound', findings: [] })
  expect(v.vault.emulator.inspect.messages(chatId)).toEqual(before)
  v.vault.emulator.asHuman.deleteMessage(chatId, (await v.row(id, 1, chatId)).message_id)
  expect((await v.verify(id, { readData: false })).findings).toMatchObject([
    { part_no: 1, finding: 'missing' },
  ])
})

it('finds all in a group that has become a supergroup since, whatever is asked', async () => {
  const chatId = openGroup('group')
  const id = await v.send(SIZE, { chatId })
  const now = await v.vault.emulator.asHuman.migrate(chatId)
  const before = v.vault.emulator.inspect.messages(now).length
  for (const readData of [false, true]) {
    expect(await v.verify(id, { readData })).toMatchObject({ state: 'sound', findings: [] })
  }
  expect(v.vault.emulator.inspect.messages(now)).toHaveLength(before)
})

it('finds nothing against a backup of another bot where each bot has its own numbers', async () => {
  const { emulator } = v.vault
  const chatId = openGroup('group')
  const id = await v.send(SIZE, { chatId })
  const bot = emulator.createBot()
  emulator.asHuman.promote(chatId, bot)
  const client = clientOf({ token: bot.token, apiRoot: emulator.url })
  await expect(v.verify(id, { client })).rejects.toMatchObject({ code: 'UNPROVEN' })
  expect((await getBackupById(v.database, id))?.damaged_at).toBeNull()
  expect(await listVerifications(v.database, id)).toMatchObject([{ state: 'failed', findings: [] }])
})

it('a bot that was thrown out has found nothing', async () => {
  const { emulator } = v.vault
  const chatId = v.openChannel()
  const id = await v.send(SIZE, { chatId })
  const [bot] = emulator.inspect.bots()
  if (bot === undefined) throw new Error('no bot')
  emulator.asHuman.kick(chatId, bot)
  for (const readData of [false, true]) await expect(v.verify(id, { readData })).rejects.toThrow()
  expect((await getBackupById(v.database, id))?.damaged_at).toBeNull()
})
