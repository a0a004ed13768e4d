import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupDetails } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

// What docs/security.md says of somebody who has the bot's token and nothing else: what he can do, what tells
// of it, and what stands in his way.

let vault: TestVault
let env: Record<string, string>
const bytes = randomBytes(200_000)

beforeAll(async () => {
  vault = await openTestVault()
  env = await cliEnvironment(vault)
  await writeFile(join(vault.folder, 'file.bin'), bytes)
})

afterAll(async () => {
  await vault.close()
})

async function send(more: Record<string, string> = {}): Promise<BackupDetails> {
  const run = await runCli(
    ['send', '--project', 'shop', '--type', 'storage', '--file', join(vault.folder, 'file.bin'), '--json'],
    { env: { ...env, ...more } },
  )
  expect(run.code, run.stderr).toBe(0)
  const id = String((run.json() as IntegratedBackupResult).databaseRecord?.id)
  return (await runCli(['show', id, '--json'], { env })).json() as BackupDetails
}

/** A thief's call. */
async function call(
  method: string,
  fields: Record<string, string | number>,
  file?: Buffer,
): Promise<Response> {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value))
  if (file) form.set('tombstone', new Blob([new Uint8Array(file)]), 'x.bin')
  return fetch(`${vault.emulator.url}/bot${vault.token}/${method}`, { method: 'POST', body: form })
}

const replace = (chatId: number, messageId: number): Promise<Response> =>
  call(
    'editMessageMedia',
    {
      chat_id: chatId,
      message_id: messageId,
      media: JSON.stringify({ type: 'document', media: 'attach://tombstone' }),
    },
    Buffer.from('gone'),
  )

async function isWhole(id: string, more: Record<string, string> = {}): Promise<boolean> {
  const out = join(vault.folder, `${id}.bin`)
  const run = await runCli(['fetch', id, '--out', out], { env: { ...env, ...more } })
  // Refused, or the very bytes.
  if (run.code === 0) expect((await readFile(out)).equals(bytes)).toBe(true)
  else expect(run.code).toBe(5)
  return run.code === 0
}

test('the token alone replaces a message of any age, in both chats; verify tells of it, and nothing false comes back', async () => {
  const bot = vault.emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('The vault has no bot')
  const second = vault.emulator.createChat({ type: 'channel', title: 'Second', administrators: [{ bot }] })
  const withReplica = { TELEGRAM_REPLICA_CHAT_ID: String(second.id) }
  const backup = await send(withReplica)
  vault.emulator.clock.advance(90 * 86_400_000)
  const [part] = backup.parts
  const copies = vault.emulator.inspect
    .messages(second.id)
    .filter(
      ({ document }) =>
        document?.file_name ===
        vault.emulator.inspect
          .messages(vault.chatId)
          .find(({ message_id }) => message_id === part?.message_id)?.document?.file_name,
    )
  expect(copies).toHaveLength(1)

  // Too old to be deleted, not too old to be replaced.
  expect(
    (await call('deleteMessage', { chat_id: vault.chatId, message_id: Number(part?.message_id) })).status,
  ).toBe(400)
  expect((await replace(vault.chatId, Number(part?.message_id))).status).toBe(200)
  expect((await replace(second.id, Number(copies[0]?.message_id))).status).toBe(200)

  const verified = await runCli(['verify', backup.id, '--json'], { env: { ...env, ...withReplica } })
  expect(verified.code).toBe(5)
  const listed = (await runCli(['show', backup.id, '--json'], { env })).json() as BackupDetails
  expect(listed.damaged_at).not.toBe(null)
  await isWhole(backup.id, withReplica)
})

test('a bot whose rights were taken away in a channel changes nothing in it, neither by this program nor by its token, and still reads', async () => {
  const bot = vault.emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('The vault has no bot')
  const old = vault.emulator.createChat({ type: 'channel', title: 'Last year', administrators: [{ bot }] })
  const backup = await send({ TELEGRAM_CHAT_ID: String(old.id) })
  const rights = { can_post_messages: false, can_edit_messages: false, can_delete_messages: false }
  vault.emulator.asHuman.promote(old.id, bot, rights)

  const before = vault.emulator.inspect.messages(old.id)
  const message = Number(backup.parts[0]?.message_id)
  expect((await replace(old.id, message)).status).toBe(400)
  expect((await call('deleteMessage', { chat_id: old.id, message_id: message })).status).toBe(400)
  expect((await call('sendMessage', { chat_id: old.id, text: 'x' })).status).not.toBe(200)
  expect(vault.emulator.inspect.messages(old.id)).toEqual(before)

  // The catalog says in which chat each backup lies; new ones go to the new one.
  expect(await isWhole(backup.id)).toBe(true)
  const erased = await runCli(['erase', backup.id, '--even-the-last', '--json'], { env })
  expect(erased.code).not.toBe(0)
  expect(vault.emulator.inspect.messages(old.id).map(({ message_id }) => message_id)).toContain(message)
  expect(await isWhole((await send()).id)).toBe(true)
})

test('a revoked token is worth nothing from then on, and the new one reads what was sent before', async () => {
  const backup = await send()
  const bot = vault.emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('The vault has no bot')
  const { token } = vault.emulator.asHuman.revokeToken(bot)
  expect((await call('getMe', {})).status).toBe(401)
  env = { ...env, TELEGRAM_BOT_TOKEN: token }
  expect(await isWhole(backup.id)).toBe(true)
})
