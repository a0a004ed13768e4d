import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { IntegratedBackupResult } from '#lib/backups/integrated-result.ts'
import { runCli } from '#test/run-cli.ts'
import { type KillPoint, killRunAt } from '#test/settling/killed-run.ts'
import { expectAtRest, openCatalogOf, openChat, type SettledChat } from '#test/settling/settled-chat.ts'
import { openTestVault, type TestVault } from '#test/vault.ts'

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
function emptyMachine({ env }: SettledChat): Record<string, string> {
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
  expect(catalog?.generation).toBe(2)
  expect(run.stderr).toContain('believed unseen')
  const out = join(vault.folder, 'back.bin')
  const fetched = await runCli(['fetch', id, '--out', out], { env })
  expect(fetched.code, fetched.stderr).toBe(0)
  expect((await readFile(out)).equals(await readFile(path))).toBe(true)

  const sure = await runCli(['recover', '--signer', signer], { env: emptyMachine(chat) })
  expect(sure.code, sure.stderr).toBe(0)
  expect(sure.stderr).not.toContain('believed unseen')
  expect(sure.stdout).toContain(id)
  for (const secret of [vault.token, vault.identity]) {
    expect(run.stdout + run.stderr + sure.stdout + sure.stderr).not.toContain(secret)
  }
})

test('the exit code tells what is wrong', async () => {
  const chat = await openChat(vault)
  expect((await runCli(['recover'], { env: emptyMachine(chat) })).code).toBe(4)
  await send(chat.env)
  const other = join(vault.folder, 'other-key.txt')
  await writeFile(other, `${(await generateIdentity()).identity}\n`, { mode: 0o600 })
  const env = emptyMachine(chat)
  expect((await runCli(['recover'], { env: { ...env, BACKUP_AGE_IDENTITY_FILE: other } })).code).toBe(5)
  const { BACKUP_AGE_IDENTITY_FILE: _, ...withoutKey } = emptyMachine(chat)
  const locked = await runCli(['recover'], { env: withoutKey })
  expect(locked.code, locked.stderr).toBe(3)
  expect(locked.stdout).toContain('plain sizes, hashes, expiry')
  expect((await runCli(['recover', '--signer', 'nonsense'], { env })).code).toBe(2)
  const stranger = `SHA256:${'A'.repeat(43)}=`
  const refused = await runCli(['recover', '--signer', stranger], { env })
  expect(refused.code, refused.stderr).toBe(3)
  expect(refused.stdout).toContain('refused')
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
  expect(catalog?.generation).toBe(2)
  const settled = await runCli(['reconcile'], { env: { ...chat.env, ...env } })
  expect(settled.code, settled.stderr).toBe(0)
  const database = await openCatalogOf(env)
  await expectAtRest(chat, database)
  await database.close()
})
