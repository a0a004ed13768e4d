import { randomBytes, randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  beginRestore,
  type Database,
  getBackupById,
  listMessages,
  markDamaged,
  markPart,
} from '@telegram-backup/database'
import { holdCall } from '@telegram-backup/test-support/jobs-world.ts'
import { killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  expectAtRest,
  openCatalogOf,
  openChat,
  type TestChat,
} from '@telegram-backup/test-support/test-chat.ts'
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

interface Reported {
  backup_id?: string
  restore_id?: string
  chat_id?: string
  code?: string
  reason?: string
}

async function reconcile(
  env: Record<string, string>,
): Promise<{ code: number | null; report: Record<string, Reported[]> }> {
  const run = await runCli(['reconcile', '--json'], { env })
  return { code: run.code, report: run.json() as Record<string, Reported[]> }
}

async function send(env: Record<string, string>): Promise<string> {
  const run = await runCli(['send', '--project', 'shop', '--type', 'storage', '--file', path, '--json'], {
    env,
  })
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  return (run.json() as IntegratedBackupResult).databaseRecord?.id ?? ''
}

function theBot(): { id: number } {
  const [bot] = vault.emulator.inspect.bots()
  if (bot === undefined) throw new Error('The vault has no bot')
  return bot
}

it('with nothing to reconcile it sends, edits and forwards nothing', async () => {
  const chat = await openChat(vault)
  await send(chat.env)
  const before = vault.emulator.inspect.allMessages(chat.chatId)
  const { code, report } = await reconcile(chat.env)
  expect(code).toBe(0)
  expect(Object.values(report).flat()).toEqual([])
  expect(vault.emulator.inspect.allMessages(chat.chatId)).toEqual(before)
})

it('touches nothing in the chat of another catalog, and says so', async () => {
  const chat = await openChat(vault)
  await send(chat.env)
  const before = vault.emulator.inspect.allMessages(chat.chatId)
  const other = { ...chat.env, TELEGRAM_BACKUP_HOME: join(vault.folder, 'other-home') }
  const { code, report } = await reconcile(other)
  expect(code).toBe(3)
  expect(report['pending']).toMatchObject([
    { code: 'CONFIGURATION', reason: expect.stringContaining('another catalog') },
  ])
  expect(vault.emulator.inspect.allMessages(chat.chatId)).toEqual(before)
})

it('gives the second chat what it lacks, and repairs each from the other', async () => {
  const [chat, replica] = [await openChat(vault), await openChat(vault)]
  const env = { ...chat.env, TELEGRAM_REPLICA_CHAT_ID: String(replica.chatId) }
  vault.emulator.asHuman.kick(replica.chatId, theBot())
  const id = await send(env)
  const unreachable = await reconcile(env)
  expect(unreachable.code).toBe(3)
  vault.emulator.asHuman.promote(replica.chatId, theBot())

  const uploads = vault.emulator.inspect.calls('sendDocument')
  const copied = await reconcile(env)
  expect({ ...copied.report, code: copied.code }).toMatchObject({ code: 0, pending: [] })
  expect(copied.report['copied']).toHaveLength(4)
  // Four copies by file id, and the index of a chat that had none.
  expect(vault.emulator.inspect.calls('sendDocument') - uploads).toBe(5)
  expect((await replica.index()).backups.map(backup => backup.id)).toEqual([id])

  await losePart(chat, id, 2)
  await losePart(replica, id, 1)
  const wrong = await damagePart(chat, id, 3)
  const mended = await reconcile(env)
  expect(mended.code).toBe(0)
  expect(mended.report['mended']).toHaveLength(3)
  expect(chat.messages().map(message => message.message_id)).not.toContain(wrong)
  expect(await getBackupById(database, id)).toMatchObject({ state: 'complete', damaged_at: null })
  await expectAtRest(chat, database)
  const out = join(vault.folder, 'mended.out')
  expect((await runCli(['fetch', id, '--out', out], { env })).code).toBe(0)
  expect((await readFile(out)).equals(bytes)).toBe(true)
  expect((await reconcile(env)).report).toMatchObject({ mended: [], copied: [], indexes: [] })
})

/** A verification finds that a part is not what was sent. */
async function damagePart(chat: TestChat, backupId: string, partNumber: number): Promise<number> {
  const rows = await listMessages(database, backupId)
  const row = rows.find(one => one.chat_id === String(chat.chatId) && one.part_no === partNumber)
  await markPart(database, {
    backupId,
    chatId: String(chat.chatId),
    kind: 'part',
    partNumber,
    state: 'damaged',
  })
  return row?.message_id ?? 0
}

/** A person deletes a part, and a verification finds that out. */
async function losePart(chat: TestChat, backupId: string, partNumber: number): Promise<void> {
  const rows = await listMessages(database, backupId)
  const row = rows.find(one => one.chat_id === String(chat.chatId) && one.part_no === partNumber)
  vault.emulator.asHuman.deleteMessage(chat.chatId, row?.message_id ?? 0)
  await markPart(database, {
    backupId,
    chatId: String(chat.chatId),
    kind: 'part',
    partNumber,
    state: 'missing',
  })
  await markDamaged(database, { backupId, error: 'Message not found', partNumber })
}

it('leaves a living send alone, which then completes', async () => {
  const chat = await openChat(vault)
  const held = holdCall(vault, { method: 'senddocument', phase: 'arrived', nth: 5 })
  const sending = send(chat.env)
  await held.reached
  while (!chat.messages().some(({ caption = '' }) => caption.includes(' part=1 ')))
    await new Promise(resolve => setTimeout(resolve, 20))
  const { code, report } = await reconcile(chat.env)
  expect(code).toBe(0)
  expect(report['kept']).toMatchObject([{ reason: expect.stringContaining('alive') }])
  held.release()
  await sending
  await expectAtRest(chat, database)
})

it('waits until the lease of a run on another machine has expired, then reconciles it', async () => {
  const chat = await openChat(vault)
  await killRunAt(vault.emulator, ['send', '--project', 'shop', '--type', 'storage', '-'], {
    at: { method: 'senddocument', phase: 'kept', nth: 1, caption: / part=2 / },
    env: chat.env,
    input: bytes,
  })
  const { id } = await database.kysely
    .selectFrom('backups')
    .select('id')
    .where('state', '=', 'sending')
    .executeTakeFirstOrThrow()
  await database.kysely
    .updateTable('leases')
    .set({ host: 'elsewhere', token: randomUUID(), expires_at: new Date(Date.now() + 5_000) })
    .where('subject', '=', id)
    .execute()
  const { code, report } = await reconcile(chat.env)
  expect(code).toBe(0)
  expect(report['failed']).toMatchObject([{ backup_id: id, resumable: false }])
  await expectAtRest(chat, database)
})

it('ends a restore whose process is gone, and says what that means', async () => {
  const chat = await openChat(vault)
  const id = await send(chat.env)
  const restore = await beginRestore(database, { backupId: id, target: '/srv/shop' })
  const { code, report } = await reconcile(chat.env)
  expect(code).toBe(0)
  expect(report['restores']).toMatchObject([
    { restore_id: restore.id, backup_id: id, reason: expect.stringContaining('may hold the backup') },
  ])
  expect((await reconcile(chat.env)).report['restores']).toEqual([])
})

it('keeps what it cannot reconcile while the chat refuses the bot, and reconciles it later', async () => {
  const chat = await openChat(vault)
  await killRunAt(vault.emulator, ['send', '--project', 'shop', '--type', 'storage', '-'], {
    at: { method: 'senddocument', phase: 'kept', nth: 1, caption: / part=2 / },
    env: chat.env,
    input: bytes,
  })
  vault.emulator.asHuman.kick(chat.chatId, theBot())
  const first = await reconcile(chat.env)
  expect(first.code).toBe(3)
  expect(first.report['pending']).toEqual(
    expect.arrayContaining([expect.objectContaining({ backup_id: expect.any(String) })]),
  )
  vault.emulator.asHuman.promote(chat.chatId, theBot())
  const second = await reconcile(chat.env)
  expect(second.code).toBe(0)
  await expectAtRest(chat, database)
})
