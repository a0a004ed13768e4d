import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, queryBackups } from '@telegram-backup/database'
import { killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { expectAtRest, openCatalogOf, openChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let vault: TestVault
let database: Database
/** Three parts of 64 KiB; the fourth document after the index is the manifest. */
const bytes = randomBytes(150_000)

beforeAll(async () => {
  vault = await openTestVault()
  database = await openCatalogOf((await openChat(vault)).env)
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

it.each(['arrived', 'kept'] as const)(
  'a run that dies while it takes its parts back (first deletion %s) is never finished by anyone',
  async phase => {
    const chat = await openChat(vault)
    const input = bytes
    const send = ['send', '--project', 'shop', '--type', 'storage', '-']
    expect((await runCli(send, { env: chat.env, input: 'so that the chat has its index' })).code).toBe(0)
    const refused = { kind: 'too-large', body: 'json' } as const
    vault.emulator.faults.on('sendDocument', { call: 4 }, refused)
    const at = { method: 'deletemessage', phase, nth: 1 }
    await killRunAt(vault.emulator, send, { at, env: chat.env, input })
    const run = await runCli(['reconcile', '--json'], { env: chat.env })
    expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
    expect(run.json()).toMatchObject({ finished: [] })
    const { data } = await queryBackups(database, {})
    const states = data.filter(({ chat_id }) => chat_id === String(chat.chatId)).map(({ state }) => state)
    expect(states.sort()).toEqual(['complete', 'failed'])
    await expectAtRest(chat, database)
  },
)

it('a part that people have deleted is sent again by a resumption, though its file may still be had', async () => {
  const chat = await openChat(vault)
  const path = join(vault.folder, 'deleted.bin')
  await writeFile(path, randomBytes(600_000))
  const send = ['send', '--project', 'shop', '--type', 'storage', '--file', path]
  const once = (): boolean => chat.hasParts(1, 2)
  const at = { method: 'senddocument', phase: 'arrived', nth: 1, caption: / part=9 /, once } as const
  await killRunAt(vault.emulator, send, { at, env: chat.env })
  const [killed] = (await queryBackups(database, { state: 'sending' })).data
  const part = chat.messages().find(message => message.caption?.includes(' part=2 '))
  vault.emulator.asHuman.deleteMessage(chat.chatId, part?.message_id ?? 0)
  const resumed = await runCli(['send', '--resume', String(killed?.id)], { env: chat.env })
  expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 })
  expect(resumed.stderr).toContain('1 part already in the chat')
  await expectAtRest(chat, database)
})
