import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredMessage } from '@telegram-backup/bot-api-emulator'
import type { Database } from '@telegram-backup/database'
import { killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { type CliRun, runCli } from '@telegram-backup/test-support/run-cli.ts'
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
const HOURS_MS = 3_600_000

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

async function send(chat: TestChat, project: string): Promise<string> {
  const run = await runCli(
    ['send', '--project', project, '--type', 'storage', '--file', path, '--json'],
    chat,
  )
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  return (run.json() as IntegratedBackupResult).databaseRecord?.id ?? ''
}

/** Two backups, the older of which may go. */
async function sendTwo(chat: TestChat, project: string): Promise<{ older: string; newer: string }> {
  return { older: await send(chat, project), newer: await send(chat, project) }
}

interface ErasureAnswer {
  success: boolean
  state: string
  messages: { kind: string; part_no: number; message_id: number; outcome: string; reason?: string }[]
}

async function erase(
  chat: TestChat,
  id: string,
  ...more: string[]
): Promise<{ run: CliRun; answer: ErasureAnswer }> {
  const run = await runCli(['erase', id, '--json', ...more], chat)
  return { run, answer: run.json() as ErasureAnswer }
}

it('deletes every message within 48 hours, the manifest first, and the other backup stays whole', async () => {
  const chat = await openChat(vault)
  const { older, newer } = await sendTwo(chat, 'young')
  const { run, answer } = await erase(chat, older)
  expect(run.code).toBe(0)
  expect(answer).toMatchObject({ success: true, state: 'erased' })
  expect(answer.messages.map(({ kind, part_no, outcome }) => [kind, part_no, outcome])).toEqual([
    ['manifest', 0, 'erased'],
    ['part', 1, 'erased'],
    ['part', 2, 'erased'],
    ['part', 3, 'erased'],
  ])
  expect((await chat.index()).backups.map(({ id }) => id)).toEqual([newer])
  await expectAtRest(chat, database)
  const messages = chat.messages()
  const again = await erase(chat, older)
  expect(again.run.code).toBe(0)
  expect(again.answer).toEqual(answer)
  expect(chat.messages()).toEqual(messages)
})

it('puts tombstones in the place of messages that are older than 48 hours', async () => {
  const chat = await openChat(vault)
  const { older } = await sendTwo(chat, 'old')
  vault.emulator.clock.advance(49 * HOURS_MS)
  const { run, answer } = await erase(chat, older)
  expect(run.code).toBe(0)
  expect(new Set(answer.messages.map(({ outcome }) => outcome))).toEqual(new Set(['tombstone']))
  for (const { message_id } of answer.messages) {
    const stone = chat.messages().find(message => message.message_id === message_id)
    expect(stone?.document?.file_size).toBeLessThan(64)
    expect(stone?.caption).toContain(`telegram-backup 1 tombstone backup=${older}`)
  }
  await expectAtRest(chat, database)
  expect((await erase(chat, older)).answer).toEqual(answer)
})

it('says for each message why it stays when rights are missing, and goes on once they are there', async () => {
  const chat = await openChat(vault)
  const { older } = await sendTwo(chat, 'rights')
  const [bot] = vault.emulator.inspect.bots()
  if (bot === undefined) throw new Error('no bot')
  vault.emulator.clock.advance(49 * HOURS_MS)
  vault.emulator.asHuman.kick(chat.chatId, bot)
  const before = chat.messages()
  const { run, answer } = await erase(chat, older)
  expect(run.code).toBe(3)
  expect(answer).toMatchObject({ success: false, state: 'erasing' })
  expect(answer.messages).toHaveLength(4)
  for (const message of answer.messages) {
    expect(message).toMatchObject({ outcome: 'kept', reason: expect.stringMatching(/./) })
  }
  expect(chat.messages()).toEqual(before)
  const reconciled = await runCli(['reconcile', '--json'], chat)
  expect(reconciled.code).toBe(3)
  vault.emulator.asHuman.promote(chat.chatId, bot)
  const again = await erase(chat, older)
  expect(again.run.code).toBe(0)
  await expectAtRest(chat, database)
})

it('names each message that another bot without rights can neither delete nor replace', async () => {
  const chat = await openChat(vault)
  const { older } = await sendTwo(chat, 'another-bot')
  const other = vault.emulator.createBot()
  vault.emulator.asHuman.promote(chat.chatId, other, {
    can_delete_messages: false,
    can_edit_messages: false,
  })
  const itsMessages = (): StoredMessage[] =>
    chat.messages().filter(({ caption = '' }) => caption.includes(`backup=${older}`))
  const before = itsMessages()
  const { run, answer } = await erase(
    { ...chat, env: { ...chat.env, TELEGRAM_BOT_TOKEN: other.token } },
    older,
  )
  expect(run.code).toBe(3)
  expect(answer.messages.map(({ outcome }) => outcome)).toEqual(['kept', 'kept', 'kept', 'kept'])
  expect(answer.messages[0]?.reason).toContain('neither deletes it')
  expect(itsMessages()).toEqual(before)
  expect((await erase(chat, older)).run.code).toBe(0)
  expect(itsMessages()).toEqual([])
})

it('goes on after it was killed in the middle, by itself or at the next reconcile', async () => {
  const chat = await openChat(vault)
  const { older } = await sendTwo(chat, 'killed')
  await killRunAt(vault.emulator, ['erase', older], {
    at: { method: 'deletemessage', phase: 'kept', nth: 2 },
    env: chat.env,
  })
  const { run } = await erase(chat, older)
  expect(run.code).toBe(0)
  await expectAtRest(chat, database)

  const { older: second } = await sendTwo(chat, 'killed-again')
  await killRunAt(vault.emulator, ['erase', second], {
    at: { method: 'deletemessage', phase: 'kept', nth: 1 },
    env: chat.env,
  })
  const reconciled = await runCli(['reconcile', '--json'], chat)
  expect(reconciled.code).toBe(0)
  expect(reconciled.json()).toMatchObject({ erased_backups: [{ backup_id: second }] })
  await expectAtRest(chat, database)
})

it('refuses the last good backup of a project and type, unless it is told so', async () => {
  const chat = await openChat(vault)
  const only = await send(chat, 'single')
  const refused = await runCli(['erase', only, '--json'], chat)
  expect(refused.code).toBe(1)
  expect(refused.json()).toMatchObject({
    code: 'LAST_BACKUP',
    hint: expect.stringContaining('--even-the-last'),
  })
  const { run } = await erase(chat, only, '--even-the-last')
  expect(run.code).toBe(0)
  expect((await chat.index()).backups).toEqual([])
  await expectAtRest(chat, database)
})

it('leaves messages of people alone, also those that say what ours say', async () => {
  const chat = await openChat(vault)
  const { older } = await sendTwo(chat, 'people')
  const ours = chat.messages().find(message => message.caption?.includes(`backup=${older} part=1`))
  const bytes = await vault.emulator.inspect.documentBytes(chat.chatId, ours?.message_id ?? 0)
  const posted = [
    await vault.emulator.asHuman.post(chat.chatId, { text: 'hello' }),
    await vault.emulator.asHuman.post(chat.chatId, {
      caption: ours?.caption ?? '',
      document: { fileName: 'copy.age', bytes },
    }),
  ]
  expect((await erase(chat, older)).run.code).toBe(0)
  expect((await runCli(['reconcile'], chat)).code).toBe(0)
  await expectAtRest(chat, database, posted)
  expect(chat.messages().map(message => message.message_id)).toEqual(expect.arrayContaining(posted))
})

it('knows no backup of that id', async () => {
  const chat = await openChat(vault)
  expect((await runCli(['erase', '00000000-0000-4000-8000-000000000000'], chat)).code).toBe(4)
})

it('expires what its time has come for, and keeps the last good one', async () => {
  const chat = await openChat(vault)
  const { older, newer } = await sendTwo(chat, 'expired')
  await database.kysely
    .updateTable('backups')
    .set({ expires_at: new Date(Date.now() - 1000) })
    .where('id', 'in', [older, newer])
    .execute()
  const plan = await runCli(['expire', '--dry-run', '--json'], chat)
  expect(plan.code).toBe(0)
  expect(plan.json()).toMatchObject({
    decisions: expect.arrayContaining([
      expect.objectContaining({ id: older, decision: 'erase', reason: expect.stringContaining('expired') }),
      expect.objectContaining({
        id: newer,
        decision: 'keep',
        reason: expect.stringContaining('last good one'),
      }),
    ]),
  })
  const run = await runCli(['expire', '--json'], chat)
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  expect(run.json()).toMatchObject({ erased_backups: [{ backup_id: older }] })
  await expectAtRest(chat, database)
})
