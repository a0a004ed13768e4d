import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import { type KillPoint, killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  expectAtRest,
  openCatalogOf,
  openChat,
  type TestChat,
} from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

let vault: TestVault
let path: string
let machines = 0

beforeAll(async () => {
  vault = await openTestVault()
  path = join(vault.folder, 'a.bin')
  await writeFile(path, randomBytes(100_000))
})

afterAll(() => vault.close())

async function send(env: Record<string, string>): Promise<string> {
  const run = await runCli(['send', '--project', 'shop', '--type', 'storage', '--file', path, '--json'], {
    env,
  })
  expect(run.code, run.stderr).toBe(0)
  return (run.json() as IntegratedBackupResult).databaseRecord?.id ?? ''
}

/** The environment of a machine that has nothing but token, chat and key. */
function emptyMachine({ env }: TestChat): Record<string, string> {
  const { BACKUP_AGE_RECIPIENTS: _, BACKUP_SIGNING_KEY_FILE: __, ...needed } = env
  return { ...needed, TELEGRAM_BACKUP_HOME: join(vault.folder, `machine-${++machines}`) }
}

interface Answer {
  success: boolean
  signer: string
  catalog: { generation: number } | null
  backups: { id: string; outcome: string }[]
}

test('an empty machine gets a backup back, and is told how to be sure whose it is', async () => {
  const chat = await openChat(vault)
  const id = await send(chat.env)
  const env = emptyMachine(chat)
  const run = await runCli(['recover', '--json'], { env })
  expect(run.code, run.stderr).toBe(0)
  const { signer, backups, catalog } = run.json() as Answer
  expect(backups).toMatchObject([{ id, outcome: 'added' }])
  expect(catalog?.generation).toBeGreaterThan(1)
  expect(run.stderr).toContain('accepted without proof')
  // Not a new key: what it would encrypt, the kept one does not open.
  expect(run.stderr).toContain(`: export BACKUP_AGE_RECIPIENTS=${vault.recipient}\n`)
  expect((await runCli(['card'], { env })).stderr).toContain(`BACKUP_AGE_RECIPIENTS=${vault.recipient},`)
  const out = join(vault.folder, 'back.bin')
  const fetched = await runCli(['fetch', id, '--out', out], { env })
  expect(fetched.code, fetched.stderr).toBe(0)
  expect((await readFile(out)).equals(await readFile(path))).toBe(true)

  const again = await runCli(['recover'], { env })
  expect(again.code, again.stderr).toBe(0)
  expect(again.stderr).not.toContain('accepted without proof')
  expect(again.stdout).toContain('1 backup, 0 of them new to the catalog\n')
  const named = await runCli(['recover', '--signer', signer], { env })
  expect(named.code, named.stderr).toBe(0)
  expect(named.stdout).toContain('1 backup, 0 of them new to the catalog, 1 updated')

  // What the chat has now is signed by the machine that took it over.
  const [, owner = ''] = /^Signed by (\S+), the key of this machine$/m.exec(named.stdout) ?? []
  const sure = await runCli(['recover', '--signer', owner], { env: emptyMachine(chat) })
  expect(sure.code, sure.stderr).toBe(0)
  expect(sure.stderr).not.toContain('accepted without proof')
  expect(sure.stdout).toContain(id)
  for (const secret of [vault.token, vault.identity]) {
    expect(run.stdout + run.stderr + sure.stdout + sure.stderr).not.toContain(secret)
  }
})

test('where the index is gone, the exit code tells that schedules and policies are lost', async () => {
  const chat = await openChat(vault)
  await send(chat.env)
  const pinned = vault.emulator.inspect.messages(chat.chatId).findLast(message => message.pinned)
  vault.emulator.asHuman.deleteMessage(chat.chatId, pinned?.message_id ?? 0)
  const run = await runCli(['recover'], { env: emptyMachine(chat) })
  expect(run.code, run.stderr).toBe(3)
  expect(run.stdout).toContain('Schedules, retention and pins are only in the index, and none was found.')
})

test('the exit code tells what is wrong', async () => {
  const chat = await openChat(vault)
  expect((await runCli(['recover'], { env: emptyMachine(chat) })).code).toBe(4)
  await send(chat.env)
  const other = join(vault.folder, 'other-key.txt')
  const { identity, recipient } = await generateIdentity()
  await writeFile(other, `${identity}\n`, { mode: 0o600 })
  const env = emptyMachine(chat)
  const mistaken = await runCli(['recover'], { env: { ...env, BACKUP_AGE_IDENTITY_FILE: other } })
  expect(mistaken.code).toBe(5)
  // Before the search, which may take long.
  expect(mistaken.stderr).toMatch(
    new RegExp(`the key ${recipient}, which does not open the index[^]*\\nAsking for up to`),
  )
  const { BACKUP_AGE_IDENTITY_FILE: _, ...withoutKey } = emptyMachine(chat)
  const locked = await runCli(['recover'], { env: withoutKey })
  expect(locked.code, locked.stderr).toBe(3)
  expect(locked.stdout).toContain('plain sizes, hashes, expiry')
  const listed = await runCli(['list'], { env: withoutKey })
  expect(listed.stdout).toContain(' complete ')
  expect(listed.stdout).not.toContain(' 0 B ')
  expect((await runCli(['recover', '--signer', 'nonsense'], { env })).code).toBe(2)
  const stranger = `SHA256:${'A'.repeat(43)}=`
  const refused = await runCli(['recover', '--signer', stranger], { env })
  // Nothing at all was recovered; were some believed, it would be 3.
  expect(refused.code, refused.stderr).toBe(5)
  expect(refused.stdout).toContain('1 manifest is refused')
  expect(refused.stdout).toMatch(/name both \(--signer OLD --signer SHA256:[A-Za-z0-9+/]{43}=\)/)
})

test('of a chat that is kept in clear, it names no key where there is none', async () => {
  const chat = await openChat(vault)
  const { BACKUP_AGE_IDENTITY_FILE: _, ...needed } = emptyMachine(chat)
  const { BACKUP_AGE_RECIPIENTS: __, ...clear } = chat.env
  const id = await send({ ...clear, BACKUP_ENCRYPTION: 'off' })
  const run = await runCli(['recover', '--json'], { env: needed })
  expect(run.stderr).toContain('To go on without encryption, set BACKUP_ENCRYPTION=off')
  expect(run.stderr).not.toContain('BACKUP_AGE_RECIPIENTS=')
  const again = await runCli(['recover', '--json'], { env: { ...needed, BACKUP_ENCRYPTION: 'off' } })
  expect(again.code, again.stderr).toBe(0)
  expect((again.json() as Answer).backups).toMatchObject([{ id, outcome: 'known' }])
})

test('of a chat that is not there any more, it says that the second one is enough', async () => {
  const { env } = await openChat(vault)
  const gone = { ...env, TELEGRAM_CHAT_ID: '-1009999999999' }
  const run = await runCli(['recover'], { env: gone })
  expect(run.code).toBe(2)
  expect(run.stderr).toContain('the card names it) is enough: set TELEGRAM_CHAT_ID=its id and')
  const named = await runCli(['recover'], { env: { ...gone, TELEGRAM_REPLICA_CHAT_ID: '-1008' } })
  expect(named.stderr).toContain('set TELEGRAM_CHAT_ID=-1008 and unset TELEGRAM_REPLICA_CHAT_ID')
  const wrong = { ...gone, TELEGRAM_BOT_TOKEN: `${vault.token.split(':')[0]}:${'A'.repeat(35)}` }
  const refused = await runCli(['recover'], { env: wrong })
  expect(refused.stderr).toContain('TELEGRAM_BOT_TOKEN')
  expect(refused.stderr).not.toContain('TELEGRAM_REPLICA_CHAT_ID')
})

const KILL_POINTS: KillPoint[] = [
  { method: 'getchatmember', phase: 'arrived', nth: 1 },
  { method: 'editmessagemedia', phase: 'arrived', nth: 4 },
  { method: 'forwardmessage', phase: 'kept', nth: 1 },
  { method: 'deletemessage', phase: 'arrived', nth: 1 },
  { method: 'editmessagemedia', phase: 'arrived', nth: 1 },
  { method: 'editmessagemedia', phase: 'kept', nth: 1 },
]

test.each(KILL_POINTS)('killed at $method ($phase), it ends the same when it is run again', async at => {
  const chat = await openChat(vault)
  const ids = [await send(chat.env), await send(chat.env)]
  const env = emptyMachine(chat)
  await killRunAt(vault.emulator, ['recover'], { at, env })
  const again = await runCli(['recover', '--json'], { env })
  expect(again.code, again.stderr).toBe(0)
  const { backups, catalog } = again.json() as Answer
  expect(backups.map(({ id }) => id)).toEqual(ids)
  expect(catalog?.generation).toBeGreaterThan(1)
  const reconciled = await runCli(['reconcile'], { env: { ...chat.env, ...env } })
  expect(reconciled.code, reconciled.stderr).toBe(0)
  const database = await openCatalogOf(env)
  await expectAtRest(chat, database)
  await database.close()
})
