import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type InitWorld, openInitWorld } from '#test/init/init-world.ts'

let world: InitWorld

beforeEach(async () => {
  world = await openInitWorld()
})

afterEach(async () => {
  await world?.close()
})

const post = (chatId: number) => world.emulator.asHuman.post(chatId, { text: 'here' })
const stored = async (): Promise<string> =>
  await readFile(join(world.home, 'environment'), 'utf8').catch(() => '')

it('of two chats in which somebody posted, a script has to name one', async () => {
  const bot = { id: world.botId }
  const other = world.emulator.createChat({ type: 'supergroup', title: 'B', administrators: [{ bot }] })
  await post(world.chatId)
  await post(other.id)
  const run = await world.init('--directory', world.site)
  expect(run.code).toBe(2)
  expect(run.stderr).toContain(`${world.chatId} ("Vault"), ${other.id} ("B")`)
  expect(run.stderr).toContain('--chat ID')
  const chosen = await world.init('--chat', String(other.id), '--directory', world.site, '--json')
  expect(chosen.json(), chosen.stderr).toMatchObject({ success: true, chat: { id: String(other.id) } })
})

it('a bot that lacks a right is told which one; once it has it, the set-up goes on', async () => {
  world.emulator.asHuman.promote(world.chatId, { id: world.botId }, { can_edit_messages: false })
  const chat = String(world.chatId)
  const run = await world.init('--chat', chat, '--directory', world.site)
  expect(run.code).toBe(2)
  expect(run.stderr).toContain('lacks rights in "Vault": edit messages of others')
  expect(await stored()).not.toContain('TELEGRAM_CHAT_ID')
  world.emulator.asHuman.promote(world.chatId, { id: world.botId })
  expect((await world.init('--chat', chat, '--directory', world.site)).code).toBe(0)
})

it('a private chat and a basic group are refused', async () => {
  const bot = { id: world.botId }
  const own = world.emulator.createChat({ type: 'private', members: [bot] })
  const group = world.emulator.createChat({ type: 'group', title: 'G', administrators: [{ bot }] })
  for (const [id, words] of [
    [own.id, 'private chat with the bot'],
    [group.id, 'basic group'],
  ] as const) {
    const run = await world.init('--chat', String(id), '--directory', world.site)
    expect(run.code).toBe(2)
    expect(run.stderr).toContain(words)
  }
})

it('a webhook and another program that takes the messages are named', async () => {
  for (const [description, words] of [
    [
      "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      'A webhook is set for this bot',
    ],
    ['Conflict: terminated by other getUpdates request', 'Another program asks for the messages'],
  ] as const) {
    world.emulator.faults.on('getUpdates', {}, { kind: 'error', errorCode: 409, description })
    const run = await world.init('--directory', world.site)
    expect(run.code).toBe(2)
    expect(run.stderr).toContain(words)
    world.emulator.faults.clear()
  }
})

it('a chat of another catalog is refused before any key is made', async () => {
  const chat = String(world.chatId)
  expect((await world.init('--chat', chat, '--directory', world.site)).code).toBe(0)
  const elsewhere = join(world.folder, 'elsewhere')
  const env = { ...world.env, TELEGRAM_BACKUP_HOME: elsewhere }
  const { openTestCatalog } = await import('@telegram-backup/test-support/vault.ts')
  const catalog = await openTestCatalog()
  try {
    const { callCli } = await import('#test/call-cli.ts')
    const args = ['init', '--yes', '--no-service', '--token-file', join(world.folder, 'token')]
    const run = await callCli([...args, '--chat', chat, '--directory', world.site], {
      env: { ...env, ...catalog.env, TELEGRAM_BACKUP_HOME: elsewhere },
    })
    expect(run.code).toBe(2)
    expect(run.stderr).toContain('telegram-backup recover')
    await expect(readFile(join(elsewhere, 'backup-key.txt'))).rejects.toMatchObject({ code: 'ENOENT' })
  } finally {
    await catalog.discard()
  }
})
