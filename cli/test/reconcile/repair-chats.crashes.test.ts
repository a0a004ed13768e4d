import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Database,
  getBackupById,
  listMessages,
  type MessageRow,
  markDamaged,
  markPart,
} from '@telegram-backup/database'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openCatalogOf, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let vault: TestVault
let database: Database
let path: string

beforeAll(async () => {
  vault = await openTestVault()
  database = await openCatalogOf((await openChat(vault)).env)
  path = join(vault.folder, 'a.bin')
  await writeFile(path, randomBytes(100_000))
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

/** Two chats and a backup of three parts that is sent to both, or at first only to one. */
interface TwoChats {
  chat: TestChat
  replica: TestChat
  env: Record<string, string>
  id: string
}

async function sendToTwo({ onlyOne = false } = {}): Promise<TwoChats> {
  const [chat, replica] = [await openChat(vault), await openChat(vault)]
  const env = { ...chat.env, TELEGRAM_REPLICA_CHAT_ID: String(replica.chatId) }
  const [bot] = vault.emulator.inspect.bots()
  if (bot === undefined) throw new Error('The vault has no bot')
  if (onlyOne) vault.emulator.asHuman.kick(replica.chatId, bot)
  const send = ['send', '--project', 'shop', '--type', 'storage', '--file', path, '--json']
  const run = await runCli(send, { env })
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  if (onlyOne) vault.emulator.asHuman.promote(replica.chatId, bot)
  return { chat, replica, env, id: (run.json() as IntegratedBackupResult).databaseRecord?.id ?? '' }
}

interface Report {
  code: number | null
  mended: { part_no: number; kind: string }[]
  copied: { part_no: number; kind: string }[]
  pending: { reason: string; code: string }[]
}

async function reconcile(env: Record<string, string>): Promise<Report> {
  const run = await runCli(['reconcile', '--json'], { env })
  return { ...(run.json() as Report), code: run.code }
}

async function rowOf(id: string, { chatId }: TestChat, partNumber: number): Promise<MessageRow> {
  const row = (await listMessages(database, id)).find(
    one => one.chat_id === String(chatId) && one.part_no === partNumber,
  )
  if (row === undefined) throw new Error(`no part ${partNumber}`)
  return row
}

/** A person deletes a part, and a verification finds that out. */
async function losePart(chat: TestChat, id: string, partNumber: number): Promise<void> {
  const { message_id } = await rowOf(id, chat, partNumber)
  vault.emulator.asHuman.deleteMessage(chat.chatId, message_id ?? 0)
  const chatId = String(chat.chatId)
  await markPart(database, { backupId: id, chatId, kind: 'part', partNumber, state: 'missing' })
  await markDamaged(database, { backupId: id, error: 'Message not found', partNumber })
}

/** Nobody has noticed yet that what comes as this part is another one. */
async function spoilPart(chat: TestChat, id: string, partNumber: number, by: number): Promise<void> {
  const { file_id } = await rowOf(id, chat, by)
  await database.kysely
    .updateTable('backup_parts')
    .set({ file_id })
    .where('backup_id', '=', id)
    .where('chat_id', '=', String(chat.chatId))
    .where('part_no', '=', partNumber)
    .execute()
}

it('repairs all but the part that is bad in both chats, and names it', async () => {
  const { chat, replica, env, id } = await sendToTwo()
  await losePart(chat, id, 1)
  await losePart(chat, id, 3)
  await spoilPart(replica, id, 1, 2)
  const { code, mended, pending } = await reconcile(env)
  expect(code).toBe(3)
  expect(pending).toMatchObject([
    { code: 'INTEGRITY', reason: `part 1 in chat ${replica.chatId} is damaged` },
  ])
  expect(mended.map(({ part_no }) => part_no)).toEqual([3])
  expect((await rowOf(id, replica, 1)).state).toBe('damaged')
  expect((await rowOf(id, chat, 1)).state).toBe('missing')
  expect((await getBackupById(database, id))?.damaged_at).not.toBeNull()
})

it('copies nothing of a damaged backup that it has not read, and no manifest without its parts', async () => {
  const { chat, replica, env, id } = await sendToTwo({ onlyOne: true })
  await markDamaged(database, { backupId: id, error: 'A part is not what was sent' })
  await spoilPart(chat, id, 2, 1)
  const { code, copied, pending } = await reconcile(env)
  expect(code).toBe(3)
  expect(copied.map(({ kind, part_no }) => [kind, part_no])).toEqual([
    ['part', 1],
    ['part', 3],
  ])
  expect(pending).toMatchObject([{ reason: `part 2 in chat ${chat.chatId} is damaged` }])
  expect((await rowOf(id, chat, 2)).state).toBe('damaged')
  const there = replica.messages().map(({ caption = '' }) => caption)
  expect(there.filter(caption => /telegram-backup 1 backup=\S+ manifest/.test(caption))).toEqual([])
})

it('takes a finding back only when everything that was not repaired has been read as well', async () => {
  const { chat, env, id } = await sendToTwo()
  await losePart(chat, id, 1)
  await spoilPart(chat, id, 2, 3)
  const first = await reconcile(env)
  expect(first.code).toBe(3)
  expect(first.mended.map(({ part_no }) => part_no)).toEqual([1])
  expect(first.pending).toMatchObject([{ reason: `part 2 in chat ${chat.chatId} is damaged` }])
  expect((await getBackupById(database, id))?.damaged_at).not.toBeNull()
  const second = await reconcile(env)
  expect(second).toMatchObject({ code: 0, mended: [{ part_no: 2 }], pending: [] })
  expect((await getBackupById(database, id))?.damaged_at).toBeNull()
})
