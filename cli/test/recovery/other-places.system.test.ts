import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BackupDetails } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { type CliRun, runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// The real command line with another bot, whose file ids none of the catalog's are, and then without the
// first chat's messages.

const run = promisify(execFile)
let vault: TestVault
let server: PostgresServer
let env: Record<string, string>
let source: string
let database: BackupDetails
let directory: BackupDetails

beforeAll(async () => {
  vault = await openTestVault()
  server = await startPostgresServer(await installedServer())
  const { emulator } = vault
  const [old] = emulator.inspect.bots()
  if (old === undefined) throw new Error('no bot')
  const replica = emulator.createChat({ type: 'channel', title: 'Copy', administrators: [{ bot: old }] })
  env = { ...(await cliEnvironment(vault)), TELEGRAM_REPLICA_CHAT_ID: String(replica.id) }
  await server.sql('postgres', 'create database source')
  await server.sql(
    'source',
    'create table rows as select n, md5(n::text) as body from generate_series(1, 20000) n',
  )
  source = join(vault.folder, 'uploads')
  await mkdir(join(source, 'deep'), { recursive: true })
  const { stdout } = await run('head', ['-c', '200000', '/dev/urandom'], { encoding: 'buffer' })
  await writeFile(join(source, 'deep', 'a.bin'), stdout)
  await writeFile(join(source, 'b.txt'), 'text\n')
  database = await send('--type', 'database', '--postgres', server.url('source'))
  directory = await send('--type', 'storage', '--directory', source)
  const bot = emulator.createBot()
  for (const chat of [vault.chatId, replica.id]) {
    emulator.asHuman.promote(chat, bot)
    emulator.asHuman.kick(chat, old)
  }
  env = { ...env, TELEGRAM_BOT_TOKEN: bot.token }
})

afterAll(async () => {
  await server.stop()
  await vault.close()
})

async function succeed(...args: string[]): Promise<CliRun> {
  const ended = await runCli(args, { env })
  expect(ended.code, ended.stderr).toBe(0)
  return ended
}

async function show(id: string): Promise<BackupDetails> {
  return (await succeed('show', id, '--json')).json() as BackupDetails
}

async function send(...from: string[]): Promise<BackupDetails> {
  const sent = await succeed('send', '--project', 'shop', ...from, '--json')
  return await show((sent.json() as IntegratedBackupResult).databaseRecord?.id ?? '')
}

/** Restores both, and compares them with their sources. */
async function restoreBoth(name: string): Promise<void> {
  await succeed('restore', database.id, '--to', server.url(name), '--yes')
  expect((await dumpOf(server.url(name))) === (await dumpOf(server.url('source')))).toBe(true)
  const target = join(vault.folder, name)
  await succeed('restore', directory.id, '--to', target, '--yes')
  await run('diff', ['-r', source, target])
}

describe('another bot', () => {
  test('restores a database and a directory, and leaves nothing in the chat', async () => {
    const before = vault.messageIds()
    await restoreBoth('by_other_bot')
    expect(vault.messageIds()).toEqual(before)
  })

  test('restores them from the second chat, and the catalog knows what the first one lacks', async () => {
    const own = ({ chat_id }: { chat_id: string }): boolean => chat_id === String(vault.chatId)
    const lost = [...database.parts, ...directory.parts].filter(own)
    expect(lost.length).toBeGreaterThan(2)
    for (const { message_id } of lost) vault.emulator.asHuman.deleteMessage(vault.chatId, Number(message_id))
    const dead = vault.emulator.createBot()
    const chats = [vault.chatId, Number(env['TELEGRAM_REPLICA_CHAT_ID'])]
    for (const chat of chats) vault.emulator.asHuman.promote(chat, dead)
    env = { ...env, TELEGRAM_BOT_TOKEN: dead.token }
    await restoreBoth('from_second_chat')
    for (const { id } of [database, directory]) {
      const { parts, damaged_at } = await show(id)
      expect(parts.map(part => [own(part), part.state])).toEqual(
        parts.map(part => [own(part), own(part) ? 'missing' : 'sent']),
      )
      expect(damaged_at).toBeNull()
    }
  })
})
