import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadOrCreateSigningKey } from '@telegram-backup/archive'
import { type Database, evidenceOfChat, listEvidence } from '@telegram-backup/database'
import { addEvidence } from '@telegram-backup/test-support/evidence-records.ts'
import { type KillPoint, killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import {
  expectAtRest,
  openCatalogOf,
  openChat,
  type TestChat,
} from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let database: Database
let chat: TestChat
let drill: string

beforeAll(async () => {
  vault = await openTestVault()
  chat = await openChat(vault)
  database = await openCatalogOf(chat.env)
  const file = join(vault.folder, 'a.log')
  await writeFile(file, 'a line')
  await done(['send', '--project', 'shop', '--type', 'logs', '--file', file])
  const signingKey = await loadOrCreateSigningKey(join(vault.folder, 'signing-key.pem'))
  drill = (await addEvidence(database, signingKey)).id
  await done(['reconcile'])
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

async function done(args: string[]): Promise<void> {
  const run = await callCli(args, { env: chat.env })
  expect(run, run.stderr).toMatchObject({ code: 0 })
}

const EVIDENCE = { method: 'senddocument', nth: 1, caption: / evidence=/ } as const

it.each<KillPoint & { when: string }>([
  { when: 'before the document is there', phase: 'arrived', ...EVIDENCE },
  { when: 'when the document is there', phase: 'kept', ...EVIDENCE },
  { when: 'before the index names it', phase: 'arrived', method: 'editmessagemedia', nth: 1 },
  { when: 'when the index names it', phase: 'kept', method: 'editmessagemedia', nth: 1 },
])('a review that is killed $when is recorded once, and in the chat once', async at => {
  const before = (await listEvidence(database)).length
  const review = ['evidence', 'review', drill, '--by', 'Internal Audit', '--note', at.when]
  await killRunAt(vault.emulator, review, { at, env: chat.env })
  await done(['reconcile'])
  const records = await listEvidence(database)
  expect(records.length).toBe(before + 1)
  const posted = await evidenceOfChat(database, String(chat.chatId), 100)
  expect(posted.map(({ id }) => id)).toEqual(records.map(({ id }) => id).reverse())
  expect((await chat.index()).evidence?.map(({ id }) => id)).toEqual(posted.map(({ id }) => id))
  await expectAtRest(chat, database)
})
