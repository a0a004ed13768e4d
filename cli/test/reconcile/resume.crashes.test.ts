import { randomBytes } from 'node:crypto'
import { readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Backup,
  type BackupDetails,
  type Database,
  getBackupDetails,
  queryBackups,
} from '@telegram-backup/database'
import { killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { type CliRun, runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  expectAtRest,
  openCatalogOf,
  openChat,
  type TestChat,
} from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { unbrokenParts } from '@telegram-backup/vault/reconcile/resume-send.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let database: Database
/** Ten parts of 64 KiB. */
const bytes = randomBytes(600_000)

beforeAll(async () => {
  vault = await openTestVault()
  database = await openCatalogOf((await openChat(vault)).env)
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

/** A send of a file that is killed at its ninth part: three are in flight, so the first ones are there. */
async function killedSend(name: string): Promise<{ chat: TestChat; path: string; backup: BackupDetails }> {
  const chat = await openChat(vault)
  const path = join(vault.folder, name)
  await writeFile(path, bytes)
  const send = ['send', '--project', 'shop', '--type', 'storage', '--caption', 'mine', '--file', path]
  const at = { method: 'senddocument', phase: 'arrived' as const, nth: 1, caption: / part=9 / }
  await killRunAt(vault.emulator, send, { at, env: chat.env })
  const [backup] = await backupsIn(chat)
  return { chat, path, backup: await details(String(backup?.id)) }
}

async function backupsIn(chat: TestChat): Promise<Backup[]> {
  const { data } = await queryBackups(database, {})
  return data.filter(({ chat_id }) => chat_id === String(chat.chatId))
}

async function details(id: string): Promise<BackupDetails> {
  const found = await getBackupDetails(database, id)
  if (found === null) throw new Error(`There is no backup ${id}`)
  return found
}

function resume(chat: TestChat, id: string, ...more: string[]): Promise<CliRun> {
  return callCli(['send', '--resume', id, '--json', ...more], { env: chat.env })
}

async function expectWhole(chat: TestChat, id: string, plain: Buffer): Promise<void> {
  const out = join(vault.folder, `${id}.out`)
  const run = await callCli(['fetch', id, '--out', out], { env: chat.env })
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  expect((await readFile(out)).equals(plain)).toBe(true)
  await expectAtRest(chat, database)
}

describe('a send of a file that was killed', () => {
  it('goes on after the parts that are there', async () => {
    const { chat, backup } = await killedSend('goes-on.bin')
    const run = await resume(chat, backup.id)
    expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
    // Nobody is told to run what is running.
    expect(run.stderr).not.toContain('--resume')
    const after = await details(backup.id)
    expect(after).toMatchObject({ state: 'complete', size: bytes.length, caption: 'mine', error: null })
    const messageOf = (number: number) => after.parts.find(part => part.part_no === number)?.message_id
    const before = backup.parts.filter(part => part.state === 'sent')
    expect(before.length).toBeGreaterThan(0)
    for (const { part_no, message_id } of before) expect(messageOf(part_no)).toBe(message_id)
    expect(after.created_at).toEqual(backup.created_at)
    await expectWhole(chat, backup.id, bytes)
  })

  it('goes on, killed again and moved, from where the file is now', async () => {
    const { chat, path, backup } = await killedSend('moved.bin')
    const at = { method: 'senddocument', phase: 'kept' as const, nth: 1, caption: / manifest / }
    const moved = `${path}.elsewhere`
    await rename(path, moved)
    const args = ['send', '--resume', backup.id.slice(0, 8), '--file', moved]
    await killRunAt(vault.emulator, args, { at, env: chat.env })
    // The manifest is there, so nothing is left to be sent: settling finishes it.
    const run = await resume(chat, backup.id)
    expect(run.json()).toMatchObject({ success: false, code: 'USAGE' })
    await callCli(['reconcile'], { env: chat.env })
    await expectWhole(chat, backup.id, bytes)
  })

  it('is listed without a size, and show says how to go on and until when', async () => {
    const { chat, backup } = await killedSend('waits.bin')
    await callCli(['reconcile'], { env: chat.env })
    const until = new Date(backup.created_at.getTime() + 86_400_000).toISOString().slice(0, 16)
    const { stdout } = await callCli(['show', backup.id], { env: chat.env })
    const shown = Buffer.from(stdout, 'latin1').toString('utf8')
    expect(shown).toMatch(/^size +- plain, - in the chat$/m)
    expect(shown).toContain(
      `until ${until.replace('T', ' ')} UTC: telegram-backup send --resume ${backup.id}`,
    )
    const list = await callCli(['list', '--state', 'failed'], { env: chat.env })
    expect(Buffer.from(list.stdout, 'latin1').toString('utf8')).toMatch(
      new RegExp(`^${backup.id}  shop +storage +failed +- `, 'm'),
    )
  })

  it.each([
    ['its bytes', async (path: string) => writeFile(path, Buffer.concat([bytes, Buffer.of(1)]))],
    ['its time', async (path: string) => utimes(path, new Date(), new Date(1_000_000))],
  ])('is sent anew when the file has changed in %s, and its old parts go', async (_what, change) => {
    const { chat, path, backup } = await killedSend('changed.bin')
    await change(path)
    const run = await resume(chat, backup.id)
    expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
    const { databaseRecord } = run.json() as { databaseRecord: Backup }
    expect(databaseRecord.id).not.toBe(backup.id)
    expect(await details(backup.id)).toMatchObject({ state: 'failed', resumable: false })
    await expectWhole(chat, databaseRecord.id, await readFile(path))
  })

  it('is refused when the bytes have changed behind the same size and time, and nothing is joined', async () => {
    const { chat, path, backup } = await killedSend('disguised.bin')
    const { mtime } = await stat(path)
    const changed = Buffer.from(bytes)
    changed[10] = (changed[10] ?? 0) ^ 1
    await writeFile(path, changed)
    await utimes(path, mtime, mtime)
    const run = await resume(chat, backup.id)
    expect(run.code).toBe(1)
    expect(run.json()).toMatchObject({ success: false, code: 'SOURCE' })
    expect(await details(backup.id)).toMatchObject({ state: 'failed' })
    const reconciled = await callCli(['reconcile'], { env: chat.env })
    expect({ code: reconciled.code, stdout: reconciled.stdout }).toMatchObject({ code: 0 })
  })

  it('says that Telegram failed when it refuses the token before anything is sent', async () => {
    const { chat, backup } = await killedSend('revoked.bin')
    await callCli(['reconcile'], { env: chat.env })
    // Of the same bot, as after @BotFather has given it another one.
    const [botId] = vault.token.split(':')
    const env = { ...chat.env, TELEGRAM_BOT_TOKEN: `${botId}:${'A'.repeat(35)}` }
    const sends = vault.emulator.inspect.calls('sendDocument')
    const run = await callCli(['send', '--resume', backup.id, '--json'], { env })
    expect(run.json()).toMatchObject({
      success: false,
      code: 'CONFIGURATION',
      error: expect.stringMatching(/^Failed to send backup to Telegram: /),
    })
    expect(vault.emulator.inspect.calls('sendDocument')).toBe(sends)
    // Nothing of it is given up.
    expect((await resume(chat, backup.id)).code).toBe(0)
    await expectWhole(chat, backup.id, bytes)
  })

  it('keeps what there is when the file is away', async () => {
    const { chat, path, backup } = await killedSend('away.bin')
    await rename(path, `${path}.away`)
    const run = await resume(chat, backup.id)
    expect(run.code).toBe(2)
    expect(run.stderr).toContain('cannot be read')
    await rename(`${path}.away`, path)
    expect((await resume(chat, backup.id)).code).toBe(0)
    await expectWhole(chat, backup.id, bytes)
  })
})

describe('--resume', () => {
  it('is refused for a backup that is complete, one that is unknown, and one that was no file', async () => {
    const chat = await openChat(vault)
    const send = ['send', '--project', 'shop', '--type', 'logs', '--json', '-']
    const sent = (await runCli(send, { env: chat.env, input: 'a log' })).json() as { databaseRecord: Backup }
    expect((await resume(chat, sent.databaseRecord.id)).code).toBe(2)
    expect((await resume(chat, '00000000-0000-4000-8000-000000000000')).code).toBe(4)
    expect((await resume(chat, sent.databaseRecord.id, '--project', 'other')).json()).toMatchObject({
      code: 'USAGE',
    })
  })
})

test('parts stay only as far as they follow one another from the first, and never the last one', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(sizes, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (plainSizes, isSent) => {
      let offset = 0
      const rows = plainSizes.map((plain_size, index) => {
        const row = {
          ...ROW,
          part_no: index + 1,
          plain_offset: offset,
          plain_size,
          state: isSent[index] ? ('sent' as const) : ('intended' as const),
        }
        offset += plain_size
        return row
      })
      const parts = unbrokenParts(rows, { chatId: '-1', botId: '7', endBefore: offset })
      const gap = rows.findIndex(row => row.state !== 'sent')
      const expected = Math.min(gap === -1 ? rows.length : gap, rows.length - 1)
      expect(parts.map(part => part.number)).toEqual(Array.from({ length: expected }, (_, i) => i + 1))
      expect(unbrokenParts(rows, { chatId: '-1', botId: '8', endBefore: offset })).toEqual([])
    }),
  )
})

const ROW = {
  kind: 'part' as const,
  chat_id: '-1',
  bot_id: '7',
  message_id: 1,
  file_id: 'a',
  file_unique_id: 'b',
  file_name: 'c',
  size: 1,
  sha256: '0'.repeat(64),
  plain_sha256: '0'.repeat(64),
  intended_at: new Date(),
  sent_at: new Date(),
  erased_at: null,
  error: null,
}
