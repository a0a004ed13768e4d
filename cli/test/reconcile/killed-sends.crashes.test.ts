import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Backup, type Database, queryBackups } from '@telegram-backup/database'
import { type KillPoint, killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  expectAtRest,
  openCatalogOf,
  openChat,
  type TestChat,
} from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let vault: TestVault
let database: Database
const bytes = randomBytes(150_000)
const SEND = ['send', '--project', 'shop', '--type', 'storage', '--filename', 'a.bin', '-']

beforeAll(async () => {
  vault = await openTestVault()
  database = await openCatalogOf((await openChat(vault)).env)
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

async function backupsIn(chat: TestChat): Promise<Backup[]> {
  const { data } = await queryBackups(database, {})
  return data.filter(({ chat_id }) => chat_id === String(chat.chatId))
}

async function reconcile(chat: TestChat, code = 0): Promise<Record<string, unknown[]>> {
  const run = await runCli(['reconcile', '--json'], { env: chat.env })
  expect({ code: run.code, stdout: run.stdout, stderr: run.stderr }).toMatchObject({ code })
  return run.json() as Record<string, unknown[]>
}

async function fetched(chat: TestChat, id: string): Promise<Buffer> {
  const out = join(vault.folder, `${id}.out`)
  const run = await runCli(['fetch', id, '--out', out], { env: chat.env })
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  return readFile(out)
}

/** The documents of a send, by what their captions say. */
const SENT = {
  index: { method: 'senddocument', nth: 1, caption: /^telegram-backup 1 index /m },
  firstPart: { method: 'senddocument', nth: 1, caption: / part=1 / },
  secondPart: { method: 'senddocument', nth: 1, caption: / part=2 / },
  manifest: { method: 'senddocument', nth: 1, caption: / manifest sha256=/ },
} as const

it.each<KillPoint & { what: string }>([
  {
    what: 'while the server still works on the second part',
    phase: 'arrived',
    ...SENT.secondPart,
  },
  { what: 'when the first part is there', phase: 'kept', ...SENT.firstPart },
  { what: 'when the second part is there', phase: 'kept', ...SENT.secondPart },
])('a stream that is killed $what fails, and leaves nothing in the chat', async at => {
  const chat = await openChat(vault)
  await killRunAt(vault.emulator, SEND, { at, env: chat.env, input: bytes })
  const report = await reconcile(chat)
  expect(report['failed']).toMatchObject([{ resumable: false }])
  expect(await backupsIn(chat)).toMatchObject([{ state: 'failed', resumable: false }])
  await expectAtRest(chat, database)
})

it('a send that is killed when the manifest is there is finished', async () => {
  const chat = await openChat(vault)
  await killRunAt(vault.emulator, SEND, {
    at: { phase: 'kept', ...SENT.manifest },
    env: chat.env,
    input: bytes,
  })
  expect(await backupsIn(chat)).toMatchObject([{ state: 'sending' }])
  const report = await reconcile(chat)
  expect(report['adopted']).toMatchObject([{ kind: 'manifest' }])
  await expectFinished(chat, report)
})

it('a send whose manifest never came is finished with the stored one, without the public key', async () => {
  const chat = await openChat(vault)
  await killRunAt(vault.emulator, SEND, {
    at: { phase: 'kept', ...SENT.manifest },
    env: chat.env,
    input: bytes,
  })
  const manifest = chat.messages().findLast(({ caption = '' }) => SENT.manifest.caption.test(caption))
  vault.emulator.asHuman.deleteMessage(chat.chatId, manifest?.message_id ?? 0)
  const { BACKUP_AGE_RECIPIENTS: _, ...env } = chat.env
  const run = await runCli(['reconcile', '--json'], { env })
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  const report = run.json() as Record<string, unknown[]>
  expect(report['indexes_left']).toContainEqual({
    chat_id: String(chat.chatId),
    reason: expect.stringContaining('BACKUP_AGE_RECIPIENTS'),
  })
  await reconcile(chat)
  await expectFinished(chat, report)
})

async function expectFinished(chat: TestChat, report: Record<string, unknown[]>): Promise<void> {
  expect(report['finished']).toHaveLength(1)
  const [backup] = await backupsIn(chat)
  expect(backup?.state).toBe('complete')
  await expectAtRest(chat, database)
  expect((await fetched(chat, backup?.id ?? '')).equals(bytes)).toBe(true)
}

it.each<KillPoint & { what: string }>([
  { what: 'while the server still changes the index', method: 'editmessagemedia', phase: 'arrived', nth: 1 },
  { what: 'when the index is changed', method: 'editmessagemedia', phase: 'kept', nth: 1 },
])('a send that is killed $what is whole, and the index says so after', async at => {
  const chat = await openChat(vault)
  await killRunAt(vault.emulator, SEND, { at, env: chat.env, input: bytes })
  await reconcile(chat)
  expect(await backupsIn(chat)).toMatchObject([{ state: 'complete' }])
  await expectAtRest(chat, database)
})

it.each<KillPoint & { what: string }>([
  { what: 'while the server still works on the index', phase: 'arrived', ...SENT.index },
  { what: 'when the index is there', phase: 'kept', ...SENT.index },
  { what: 'when the index is pinned', method: 'pinchatmessage', phase: 'kept', nth: 1 },
])('a first send that is killed $what leaves a chat that the next send can use', async at => {
  const chat = await openChat(vault)
  await killRunAt(vault.emulator, SEND, { at, env: chat.env, input: bytes })
  await reconcile(chat)
  const again = await runCli(SEND, { env: chat.env, input: bytes })
  expect({ code: again.code, stderr: again.stderr }).toMatchObject({ code: 0 })
  await expectAtRest(chat, database)
})

it('parts of a file wait for a resumption, and the catalog says so', async () => {
  const chat = await openChat(vault)
  const path = join(vault.folder, 'file.bin')
  await writeFile(path, bytes)
  const at: KillPoint = { phase: 'kept', ...SENT.secondPart, once: () => chat.hasParts(1) }
  await killRunAt(vault.emulator, ['send', '--project', 'shop', '--type', 'storage', '--file', path], {
    at,
    env: chat.env,
  })
  const report = await reconcile(chat)
  expect(report['failed']).toMatchObject([{ resumable: true, reason: expect.stringContaining('--resume') }])
  expect(await backupsIn(chat)).toMatchObject([{ state: 'failed', resumable: true }])
  await expectAtRest(chat, database)
  expect(chat.messages().length).toBeGreaterThan(1)
})

it('of two reconciles at once, one reconciles an abandoned send', async () => {
  const chat = await openChat(vault)
  const at: KillPoint = { phase: 'arrived', ...SENT.manifest }
  await killRunAt(vault.emulator, SEND, { at, env: chat.env, input: bytes })
  const reports = await Promise.all([reconcile(chat), reconcile(chat)])
  expect(reports.flatMap(report => report['finished'])).toHaveLength(1)
  await expectAtRest(chat, database)
})

it('the next send reconciles what an abandoned one left', async () => {
  const chat = await openChat(vault)
  const at: KillPoint = { phase: 'kept', ...SENT.manifest }
  await killRunAt(vault.emulator, SEND, { at, env: chat.env, input: bytes })
  const next = await runCli(SEND, { env: chat.env, input: bytes })
  expect({ code: next.code, stderr: next.stderr }).toMatchObject({ code: 0 })
  expect((await backupsIn(chat)).map(({ state }) => state)).toEqual(['complete', 'complete'])
  await expectAtRest(chat, database)
})
