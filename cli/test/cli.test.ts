import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backup, BackupDetails } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { type CliRun, runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let catalog: TestCatalog
let env: Record<string, string>
/** In a process of its own, as people and scripts start it. */
const program = (args: string[], input = ''): Promise<CliRun> => runCli(args, { env, input })
const cli = (args: string[]): Promise<CliRun> => callCli(args, { env })

beforeAll(async () => {
  vault = await openTestVault()
  catalog = await openTestCatalog()
  env = { ...(await cliEnvironment(vault)), ...catalog.env }
})

afterAll(async () => {
  await catalog.discard()
  await vault.close()
})

async function send(bytes: Buffer, args: string[] = [], run = cli): Promise<IntegratedBackupResult> {
  const path = join(vault.folder, 'source.bin')
  await writeFile(path, bytes)
  const sent = await run([
    'send',
    '--project',
    'shop',
    '--type',
    'storage',
    '--file',
    path,
    '--json',
    ...args,
  ])
  expect(sent.stderr + sent.stdout).toContain('"success": true')
  expect(sent.code).toBe(0)
  return sent.json() as IntegratedBackupResult
}

describe('the main job by command line', () => {
  it('send, list, show, stats and fetch tell the same story, and the bytes are the same', async () => {
    const bytes = Buffer.concat([randomBytes(150_000), Buffer.alloc(2_000_000)])
    const { databaseRecord } = await send(bytes, ['--caption', 'a caption', '--expires', '8w'], program)
    const id = databaseRecord?.id ?? ''

    const listed = (await cli(['list', '--json', '--project', 'shop'])).json() as Backup[]
    expect(listed.find(backup => backup.id === id)).toMatchObject({
      project_id: 'shop',
      type: 'storage',
      state: 'complete',
      size: bytes.length,
      restore_count: 0,
    })
    const shown = (await cli(['show', id, '--json'])).json() as BackupDetails
    expect(shown.parts.map(part => part.part_no)).toEqual(shown.parts.map((_, index) => index + 1))
    for (const part of shown.parts) {
      expect(Object.keys(part)).toEqual(
        expect.arrayContaining(['part_no', 'chat_id', 'message_id', 'file_id', 'size', 'sha256', 'state']),
      )
      const inChat = await vault.emulator.inspect.documentBytes(vault.chatId, part.message_id ?? 0)
      expect(inChat.length).toBe(part.size)
    }
    expect(shown.manifest).toMatchObject({ message_id: expect.any(Number), file_id: expect.any(String) })
    expect(shown.history.map(entry => entry.event)).toContain('complete')
    expect(shown.caption).toBe('a caption')

    const stats = (await cli(['stats', '--json', '--project', 'shop'])).json()
    expect(stats).toMatchObject({
      total_backups: 1,
      total_size: bytes.length,
      by_type: { storage: 1 },
      expiring_soon: 0,
      damaged: 0,
      with_missing_files: 0,
    })

    const out = join(vault.folder, 'back.bin')
    const fetched = await program(['fetch', id, '--out', out])
    expect(fetched).toMatchObject({ code: 0 })
    expect((await readFile(out)).equals(bytes)).toBe(true)
    expect((await stat(out)).mode & 0o777).toBe(0o600)
    const piped = await program(['fetch', id, '--out', '-'])
    expect(Buffer.from(piped.stdout, 'latin1').equals(bytes)).toBe(true)
  })

  it('standard input is a source', async () => {
    const run = await program(
      ['send', '--project', 'shop', '--type', 'database', '--filename', 'x.sql', '-', '--json'],
      'SELECT 1;',
    )
    const { databaseRecord } = run.json() as IntegratedBackupResult
    expect(databaseRecord?.filename).toMatch(/^shop_database_\d{8}T\d{6}Z_[0-9a-f]{8}\.sql$/)
    const back = await program(['fetch', databaseRecord?.id ?? '', '--out', '-'])
    expect(back.stdout).toBe('SELECT 1;')
  })

  it('without --json it speaks to people, and on a pipe draws no bars', async () => {
    const list = await program(['list'])
    expect(list.stdout).toMatch(/^ID +PROJECT +TYPE +STATE/)
    expect(list.stdout + list.stderr).not.toContain('\u001b')
  })

  it('encryption turned off by name sends clear zstd, says so, and comes back without a key', async () => {
    const { BACKUP_AGE_RECIPIENTS: _r, BACKUP_AGE_IDENTITY_FILE: _i, ...keyless } = env
    const off = { ...keyless, BACKUP_ENCRYPTION: 'off' }
    const run = await runCli(['send', '--project', 'clear', '--type', 'logs', '-', '--json'], {
      env: off,
      input: 'log',
    })
    expect(run.stderr).toContain('BACKUP_ENCRYPTION is off')
    const { databaseRecord } = run.json() as IntegratedBackupResult
    const back = await runCli(['fetch', databaseRecord?.id ?? '', '--out', '-'], { env: off })
    expect(back).toMatchObject({ code: 0, stdout: 'log' })
  })
})

describe('what comes back damaged', () => {
  it('exits 5, names the part, and leaves no file', async () => {
    const { databaseRecord } = await send(randomBytes(200_000))
    const id = databaseRecord?.id ?? ''
    const out = join(vault.folder, 'damaged.bin')
    vault.emulator.faults.on('download', { call: 2, calls: 1000 }, { kind: 'flip-bit', offset: 5000 })
    const run = await program(['fetch', id, '--out', out])
    vault.emulator.faults.clear()
    expect(run.stderr).toMatch(/part \d/i)
    expect(run.code).toBe(5)
    expect((await readdir(vault.folder)).filter(name => name.startsWith('damaged'))).toEqual([])
  })

  it('a part that is gone from the chat exits 5 and is named', async () => {
    const { databaseRecord, telegramMetadata } = await send(randomBytes(200_000))
    const [, second] = telegramMetadata?.parts ?? []
    // Its file id alone could be renewed from the message.
    vault.emulator.asHuman.deleteMessage(vault.chatId, second?.messageId ?? 0)
    vault.emulator.faults.on(
      'getFile',
      { call: second?.number ?? 2, calls: 1000 },
      { kind: 'error', errorCode: 400, description: 'Bad Request: invalid file_id' },
    )
    const run = await cli(['fetch', databaseRecord?.id ?? '', '--out', join(vault.folder, 'gone.bin')])
    vault.emulator.faults.clear()
    expect(run.code).toBe(5)
    expect(run.stderr).toMatch(/part \d/i)
  })

  it('a wrong key exits 5 and says that it is the key', async () => {
    const { databaseRecord } = await send(randomBytes(1000))
    const other = join(vault.folder, 'other-key.txt')
    expect((await cli(['keygen', '--out', other])).code).toBe(0)
    const out = join(vault.folder, 'wrong-key.bin')
    const run = await callCli(['fetch', databaseRecord?.id ?? '', '--out', out], {
      env: { ...env, BACKUP_AGE_IDENTITY_FILE: other },
    })
    expect(run.code).toBe(5)
    expect(run.stderr).toMatch(/key/)
    await expect(stat(out)).rejects.toThrow('ENOENT')
  })

  it('a fetch over an existing file leaves it as it was when it fails', async () => {
    const { databaseRecord } = await send(randomBytes(200_000))
    const out = join(vault.folder, 'precious.txt')
    await writeFile(out, 'precious')
    vault.emulator.faults.on('download', { calls: 1000 }, { kind: 'flip-bit', offset: 300 })
    const run = await cli(['fetch', databaseRecord?.id ?? '', '--out', out])
    vault.emulator.faults.clear()
    expect(run.code).toBe(5)
    expect(await readFile(out, 'utf8')).toBe('precious')
  })
})
