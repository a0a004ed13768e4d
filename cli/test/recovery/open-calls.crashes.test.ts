import { randomBytes } from 'node:crypto'
import { type Database, listMessages, openSends, queryBackups } from '@telegram-backup/database'
import { holdCall } from '@telegram-backup/test-support/jobs-world.ts'
import { type KillPoint, killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openCatalogOf, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** What a killed run has sent and never heard of, while a catalog that lives is recovered from its chats. */

let vault: TestVault
let database: Database
const bytes = randomBytes(150_000)

beforeAll(async () => {
  vault = await openTestVault()
  database = await openCatalogOf((await openChat(vault)).env)
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

const CALLS = {
  'the first part': { method: 'senddocument', nth: 1, caption: / part=1 / },
  'the second part': { method: 'senddocument', nth: 1, caption: / part=2 / },
  'the manifest': { method: 'senddocument', nth: 1, caption: / manifest sha256=/ },
} as const
type Call = keyof typeof CALLS

/** Two chats of their own, and the environment of whoever uses both. */
interface TwoChats {
  main: TestChat
  second: TestChat
  both: Record<string, string>
}

async function openChats(): Promise<TwoChats> {
  const [main, second] = [await openChat(vault), await openChat(vault)]
  return { main, second, both: { ...main.env, TELEGRAM_REPLICA_CHAT_ID: String(second.chatId) } }
}

async function run(args: readonly string[], env: Record<string, string>): Promise<Record<string, unknown[]>> {
  const ended = await runCli([...args, '--json'], { env, input: bytes })
  expect({ args, code: ended.code, stdout: ended.stdout, stderr: ended.stderr }).toMatchObject({ code: 0 })
  return ended.json() as Record<string, unknown[]>
}

const SEND = ['send', '--project', 'shop', '--type', 'storage', '--filename', 'a.bin', '-']

/** The messages that say to be a part or a manifest. */
function documentsIn(chat: TestChat): number[] {
  const says = /^telegram-backup 1 backup=\S+ (?:part=|manifest )/m
  return chat.messages().flatMap(({ message_id, caption = '' }) => (says.test(caption) ? [message_id] : []))
}

/** Each document is there once, and its row names it. */
async function expectEachOnce({ main, second }: TwoChats): Promise<void> {
  const { data } = await queryBackups(database, {})
  const here = data.filter(({ chat_id }) => chat_id === String(main.chatId))
  const rows = (await Promise.all(here.map(({ id }) => listMessages(database, id)))).flat()
  for (const chat of [main, second]) {
    const known = rows.filter(row => row.chat_id === String(chat.chatId) && row.state === 'sent')
    expect(documentsIn(chat)).toEqual(known.map(row => Number(row.message_id)).sort((a, b) => a - b))
  }
}

/**
 * Of a run that died with one call under way no call is open any more; of several, one may not have come to
 * the server.
 */
async function expectNoOpenCall({ main, second }: TwoChats): Promise<void> {
  for (const { chatId } of [main, second]) {
    expect(await openSends(database, { chatId: String(chatId) })).toEqual([])
  }
}

/** None that is left where it is because it may be a person's. */
function expectNoneUnsure(recovered: Record<string, unknown>): void {
  expect(JSON.stringify(recovered)).not.toMatch(/may be deleted by hand/)
}

it.each<Call>(['the first part', 'the second part', 'the manifest'])(
  'a reconcile dies when %s was copied; recovered and reconciled, it is there once',
  async call => {
    const chats = await openChats()
    const { main, second, both } = chats
    await run(SEND, main.env)
    await killRunAt(vault.emulator, ['reconcile'], { at: { phase: 'kept', ...CALLS[call] }, env: both })
    const copied = documentsIn(second)
    expect(copied.length).toBeGreaterThan(0)
    expectNoneUnsure(await run(['recover'], both))
    const report = await run(['reconcile'], both)
    expect(report['adopted']).toMatchObject([{ chat_id: String(second.chatId), message_id: copied.at(-1) }])
    expect(documentsIn(second)).toHaveLength(documentsIn(main).length)
    await expectEachOnce(chats)
  },
)

it('a send dies when its manifest is there; recovered and reconciled, it is finished with that one', async () => {
  const chats = await openChats()
  const { main } = chats
  await run(SEND, main.env)
  const at: KillPoint = { phase: 'kept', ...CALLS['the manifest'] }
  await killRunAt(vault.emulator, SEND, { at, env: main.env, input: bytes })
  const sent = documentsIn(main)
  expectNoneUnsure(await run(['recover'], main.env))
  const report = await run(['reconcile'], main.env)
  expect(report['adopted']).toMatchObject([{ kind: 'manifest', message_id: sent.at(-1) }])
  expect(report['finished']).toHaveLength(1)
  expect(documentsIn(main)).toEqual(sent)
  await expectEachOnce(chats)
  await expectNoOpenCall(chats)
})

it('a send dies when its second part was copied; recovered and reconciled, nothing is there twice', async () => {
  const chats = await openChats()
  const { both } = chats
  await run(SEND, both)
  // The first one is for the first chat.
  const at: KillPoint = { phase: 'kept', ...CALLS['the second part'], nth: 2 }
  await killRunAt(vault.emulator, SEND, { at, env: both, input: bytes })
  expectNoneUnsure(await run(['recover'], both))
  // How far it was in the first chat nobody knows: it is taken back, or finished.
  await run(['reconcile'], both)
  await expectEachOnce(chats)
})

it('a reconcile waits for the answer to a copy while another process recovers: it is there once', async () => {
  const chats = await openChats()
  const { main, second, both } = chats
  await run(SEND, main.env)
  const held = holdCall(vault, { phase: 'kept', ...CALLS['the second part'] })
  const reconciling = runCli(['reconcile', '--json'], { env: both })
  await held.reached
  expectNoneUnsure(await run(['recover'], both))
  held.release()
  await reconciling
  await run(['reconcile'], both)
  expect(documentsIn(second)).toHaveLength(documentsIn(main).length)
  await expectEachOnce(chats)
  await expectNoOpenCall(chats)
})
