import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  acquireLease,
  type Database,
  getBackupById,
  queryBackups,
  sqlRunner,
} from '@telegram-backup/database'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { openCatalogOf, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { takeBackCancelled } from '@telegram-backup/vault/reconcile/take-back-cancelled.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let database: Database

beforeAll(async () => {
  vault = await openTestVault()
  database = await openCatalogOf((await openChat(vault)).env)
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

const PART_3 = { method: 'senddocument', phase: 'arrived', nth: 1, caption: / part=3 / } as const
const PART_12 = { ...PART_3, caption: / part=12 / } as const

/** A backup that may be resumed, some parts of it in a chat of its own, and a cancelled job that made it. */
async function leaveCancelled(): Promise<{ chat: TestChat; backupId: string }> {
  const chat = await openChat(vault)
  const path = join(vault.folder, `${chat.chatId}.bin`)
  await writeFile(path, randomBytes(900_000))
  await killRunAt(vault.emulator, ['send', '--project', 'shop', '--type', 'storage', '--file', path], {
    at: { ...PART_3, once: () => chat.hasParts(1, 2) },
    env: chat.env,
  })
  await callCli(['reconcile'], { env: chat.env })
  const [failed] = (await queryBackups(database, { state: 'failed' })).data.filter(
    ({ chat_id }) => chat_id === String(chat.chatId),
  )
  if (failed === undefined) throw new Error('no backup has failed')
  await sqlRunner(database).executeSql(
    `insert into control_plane.jobs (kind, state, backup_id, finished_at) values ('backup', 'cancelled', $1, now())`,
    [failed.id],
  )
  return { chat, backupId: failed.id }
}

async function takeBack(chat: TestChat): Promise<void> {
  const { signal } = new AbortController()
  const config = readConfig(chat.env)
  await takeBackCancelled(await openSession({ database, client: vault.client, config, signal }))
}

const partsIn = (chat: TestChat): number =>
  chat.messages().filter(({ caption }) => / part=/.test(caption ?? '')).length

it('one that somebody works on keeps no other from being taken back', async () => {
  const waiting = await leaveCancelled()
  const busy = await leaveCancelled()
  const lease = await acquireLease(database, { subject: busy.backupId, purpose: 'send' })
  await takeBack(busy.chat)
  expect(partsIn(waiting.chat)).toBe(0)
  expect(partsIn(busy.chat)).toBeGreaterThan(1)
  await lease?.release()
  await takeBack(busy.chat)
  expect(partsIn(busy.chat)).toBe(0)
})

it('nobody is told to resume one of which nothing is left', async () => {
  const { chat, backupId } = await leaveCancelled()
  expect(await getBackupById(database, backupId)).toMatchObject({ state: 'failed', resumable: true })
  await takeBack(chat)
  expect(await getBackupById(database, backupId)).toMatchObject({ state: 'failed', resumable: false })
  expect((await callCli(['show', backupId], { env: chat.env })).stdout).not.toContain('--resume')
})

it('one that a person has resumed since stays for him to go on with', async () => {
  const { chat, backupId } = await leaveCancelled()
  await killRunAt(vault.emulator, ['send', '--resume', backupId], { at: PART_12, env: chat.env })
  await callCli(['reconcile'], { env: chat.env })
  const parts = partsIn(chat)
  expect(parts).toBeGreaterThan(1)
  await takeBack(chat)
  expect(partsIn(chat)).toBe(parts)
})
