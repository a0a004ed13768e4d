import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Database,
  getBackupById,
  listMessages,
  openSends,
  queryBackups,
} from '@telegram-backup/database'
import { killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { expectAtRest, openCatalogOf, openChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let vault: TestVault
let database: Database
let path: string
const bytes = randomBytes(100_000)

beforeAll(async () => {
  vault = await openTestVault()
  database = await openCatalogOf((await openChat(vault)).env)
  path = join(vault.folder, 'a.bin')
  await writeFile(path, bytes)
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

async function send(env: Record<string, string>): Promise<string> {
  const run = await runCli(['send', '--project', 'shop', '--type', 'storage', '--file', path, '--json'], {
    env,
  })
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  return (run.json() as IntegratedBackupResult).databaseRecord?.id ?? ''
}

type Report = Record<string, { code?: string; reason?: string; outcome?: string }[]>

async function reconcile(env: Record<string, string>): Promise<{ code: number | null; report: Report }> {
  const run = await runCli(['reconcile', '--json'], { env })
  return { code: run.code, report: run.json() as Report }
}

it('concludes nothing before all messages were looked at', async () => {
  const chat = await openChat(vault)
  await killRunAt(vault.emulator, ['send', '--project', 'shop', '--type', 'storage', '-'], {
    at: { method: 'senddocument', phase: 'kept', nth: 1, caption: / part=1 / },
    env: chat.env,
    input: bytes,
  })
  const posted: number[] = []
  while (posted.length < 505) posted.push(await vault.emulator.asHuman.post(chat.chatId, { text: 'hello' }))
  const first = await reconcile(chat.env)
  expect(first.code).toBe(3)
  expect(first.report['pending']).toMatchObject([{ code: 'UNFINISHED' }])
  const { data } = await queryBackups(database, { state: 'sending' })
  expect(data).toHaveLength(1)
  // Each look goes on where the one before ended, and may begin with another call of the dead run.
  let last = await reconcile(chat.env)
  for (let again = 0; last.code !== 0 && again < 3; again++) last = await reconcile(chat.env)
  expect(last).toMatchObject({ code: 0, report: { failed: [{ backup_id: data[0]?.id }] } })
  await expectAtRest(chat, database, posted)
})

it('does not call a backup erased that an index still names, until that is written as well', async () => {
  const chat = await openChat(vault)
  const id = await send(chat.env)
  await send(chat.env)
  const broken = { kind: 'error', errorCode: 400, description: 'Bad Request: not now' } as const
  vault.emulator.faults.on('editMessageMedia', { call: 2, calls: 1 }, broken)
  const run = await runCli(['erase', id, '--json'], { env: chat.env })
  expect(run.code).toBe(3)
  expect(run.json()).toMatchObject({ success: false, state: 'erasing' })
  expect((await chat.index()).backups).toContainEqual(expect.objectContaining({ id, state: 'erasing' }))
  expect((await getBackupById(database, id))?.state).toBe('erasing')
  expect(await reconcile(chat.env)).toMatchObject({
    code: 0,
    report: { erased_backups: [{ backup_id: id }] },
  })
  await expectAtRest(chat, database)
})

it('erases a backup as far as it can be reached when its group has become a supergroup', async () => {
  const { emulator } = vault
  const [bot] = emulator.inspect.bots()
  if (bot === undefined) throw new Error('The vault has no bot')
  const group = emulator.createChat({ type: 'group', title: 'Old', administrators: [{ bot }] })
  const env = { ...(await openChat(vault)).env, TELEGRAM_CHAT_ID: String(group.id) }
  const id = await send(env)
  await send(env)
  const moved = await emulator.asHuman.migrate(group.id)
  emulator.asHuman.promote(moved, bot)
  const run = await runCli(['erase', id, '--json'], { env })
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  const { messages } = run.json() as { messages: { outcome: string; reason?: string }[] }
  expect(messages).toHaveLength(4)
  for (const message of messages) {
    expect(message).toMatchObject({
      outcome: 'unreachable',
      reason: expect.stringContaining('supergroup'),
    })
  }
  expect((await getBackupById(database, id))?.state).toBe('erased')
  expect((await listMessages(database, id)).every(({ error }) => error?.includes('supergroup'))).toBe(true)
  expect(await reconcile(env)).toMatchObject({ code: 0, report: { kept: [], erased: [] } })
})

it('replaces a second message of a part once where it cannot be deleted, and knows it from then on', async () => {
  const chat = await openChat(vault)
  const id = await send(chat.env)
  const chatId = String(chat.chatId)
  const part = (await listMessages(database, id)).find(({ part_no }) => part_no === 1)
  if (part?.file_id == null) throw new Error('no part 1')
  const caption = chat.messages().find(message => message.message_id === part.message_id)?.caption ?? ''
  const { messageId } = await vault.client.sendStoredDocument({ chatId, fileId: part.file_id, caption })
  await database.kysely
    .insertInto('open_sends')
    .values({
      chat_id: chatId,
      purpose: 'part',
      backup_id: id,
      part_no: 1,
      sha256: part.sha256,
      size: part.size,
      file_name: part.file_name,
      after_message_id: messageId - 1,
    })
    .execute()
  vault.emulator.clock.advance(49 * 3_600_000)
  const { code, report } = await reconcile(chat.env)
  expect(code).toBe(0)
  expect(report['erased']).toMatchObject([{ message_id: messageId, outcome: 'tombstone' }])
  expect(await openSends(database, { chatId })).toEqual([])
  const calls = vault.emulator.inspect.calls('editMessageMedia')
  expect((await reconcile(chat.env)).report['erased']).toEqual([])
  expect(vault.emulator.inspect.calls('editMessageMedia')).toBe(calls)
})
