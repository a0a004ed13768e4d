import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, listMessages, listVerifications } from '@telegram-backup/database'
import { type KillPoint, killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { type CliRun, runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openTamperedChat } from '@telegram-backup/test-support/tampered-chat.ts'
import {
  expectAtRest,
  openCatalogOf,
  openChat,
  type TestChat,
} from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

let vault: TestVault
let database: Database
let chat: TestChat
let id: string
let path: string

beforeAll(async () => {
  vault = await openTestVault()
  database = await openCatalogOf((await openChat(vault)).env)
  path = join(vault.folder, 'a.bin')
  await writeFile(path, randomBytes(150_000))
})

beforeEach(async () => {
  chat = await openChat(vault)
  const run = await cli(['send', '--project', 'shop', '--type', 'storage', '--file', path, '--json'])
  id = (run.json() as IntegratedBackupResult).databaseRecord?.id ?? ''
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

const cli = (args: readonly string[], env: Record<string, string> = {}): Promise<CliRun> =>
  runCli(args, { env: { ...chat.env, ...env } })

it.each<KillPoint>([
  { method: 'forwardmessage', phase: 'arrived', nth: 1 },
  { method: 'forwardmessage', phase: 'kept', nth: 2 },
  { method: 'deletemessage', phase: 'kept', nth: 3 },
  { method: 'getfile', phase: 'kept', nth: 2 },
])(
  'a verification killed at $method $phase leaves a row that the next one settles, and no copy',
  async at => {
    const before = chat.messages()
    await killRunAt(vault.emulator, ['verify', id, '--read-data'], { at, env: chat.env })
    expect(await listVerifications(database, id)).toMatchObject([{ state: 'running' }])
    const next = await cli(['verify', id, '--read-data', '--json'])
    expect(next.json()).toMatchObject({ success: true, state: 'sound', depth: 'plain bytes' })
    expect((await listVerifications(database, id)).map(({ state }) => state)).toEqual(['sound', 'failed'])
    expect(chat.messages()).toEqual(before)
    await expectAtRest(chat, database)
  },
)

it('a verification that was killed keeps nobody from sending, which removes its copy', async () => {
  const before = chat.messages().length
  const at = { method: 'forwardmessage', phase: 'kept', nth: 2 } as const
  await killRunAt(vault.emulator, ['verify', id], { at, env: chat.env })
  expect(chat.messages()).toHaveLength(before + 1)
  expect((await cli(['reconcile'])).code).toBe(0)
  expect(chat.messages()).toHaveLength(before)
  await expectAtRest(chat, database)
})

it('one part whose file is gone is told within some minutes at most, by a client with all its patience', async () => {
  const way = await openTamperedChat(vault.emulator.url)
  try {
    const part = (await listMessages(database, id)).find(({ part_no }) => part_no === 1)
    way.remove({ fileUniqueId: String(part?.file_unique_id), messageId: -1 })
    // The time limit of a test is what bounds it.
    const run = await cli(['verify', id, '--read-data', '--json'], { TELEGRAM_API_ROOT: way.url })
    expect(run.code).toBe(5)
    expect(run.json()).toMatchObject({ state: 'damaged', findings: [{ part_no: 1, finding: 'unreadable' }] })
  } finally {
    await way.close()
  }
})
