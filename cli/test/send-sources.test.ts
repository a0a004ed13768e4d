import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupTelegramIntegration } from '@telegram-backup/api-gateway/lib/backups/backup-telegram.integration.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import type { BackupSource, SourceEnd } from 'telegram-deployment-bot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let env: Record<string, string>
let catalog: TestCatalog
let catalogOfPrograms: TestCatalog

beforeAll(async () => {
  vault = await openTestVault()
  catalog = await openTestCatalog()
  catalogOfPrograms = await openTestCatalog()
  const config = join(vault.folder, 'telegram-backup.yaml')
  await writeFile(join(vault.folder, 'app.bin'), 'bytes')
  await writeFile(
    config,
    `sources:\n  app: { project: app, type: storage, file: "\${PLACE}/app.bin", expires: 8w, limit_rate: 1G }\n`,
  )
  const administrators = [{ bot: { id: Number(vault.client.botId) } }]
  // The programs have a catalog of their own, and so they need a chat of their own.
  const chat = vault.emulator.createChat({ type: 'channel', title: 'Programs', administrators })
  env = {
    ...(await cliEnvironment(vault)),
    ...catalogOfPrograms.env,
    TELEGRAM_CHAT_ID: String(chat.id),
    TELEGRAM_BACKUP_CONFIG: config,
    PLACE: vault.folder,
  }
})

afterAll(async () => {
  await catalog.discard()
  await catalogOfPrograms.discard()
  await vault.close()
})

interface TestSource extends BackupSource {
  closed: number
}

function sourceOf(finish: () => Promise<SourceEnd>): TestSource {
  return {
    archiveSource: Buffer.from('bytes'),
    filename: 'bytes.sql',
    sizeBytes: undefined,
    facts: { kind: 'test', at: 'beginning' },
    finish,
    closed: 0,
    async close() {
      this.closed += 1
    },
  }
}

describe('a source at work', () => {
  it('is recorded with what it told in the end', async () => {
    const integration = new BackupTelegramIntegration(vault.service, { database: catalog })
    const file = sourceOf(async () => ({ facts: { at: 'end', warnings: ['w'] } }))
    const sent = await integration.sendAndRecord({ projectId: 'p', type: 'database', file })
    expect(sent.databaseRecord?.source).toMatchObject({ kind: 'test', at: 'end', warnings: ['w'] })
    expect(file.closed).toBeGreaterThan(0)
  })

  it('that finds itself no good leaves a failed backup, and nothing in the chat', async () => {
    const there = vault.messageIds()
    const integration = new BackupTelegramIntegration(vault.service, { database: catalog })
    const file = sourceOf(async () => {
      throw new Error('not good')
    })
    const sent = await integration.sendAndRecord({ projectId: 'p', type: 'database', file })
    expect(sent).toMatchObject({ success: false, error: expect.stringContaining('not good') })
    expect(vault.messageIds()).toEqual(there)
    expect(file.closed).toBeGreaterThan(0)
  })

  it('is closed also when it is refused before anybody looked at it', async () => {
    const integration = new BackupTelegramIntegration(vault.service, { database: catalog })
    const file = sourceOf(async () => ({}))
    const sent = await integration.sendAndRecord({ projectId: '../p', type: 'database', file })
    expect(sent.success).toBe(false)
    expect(file.closed).toBe(1)
  })
})

describe('send', () => {
  it('--source takes project, type and all else from telegram-backup.yaml, and options go before it', async () => {
    const sent = await callCli(['send', '--source', 'app', '--filename', 'mine.bin', '--json'], { env })
    expect(sent.code, sent.stderr).toBe(0)
    const { databaseRecord } = sent.json() as IntegratedBackupResult
    expect(databaseRecord).toMatchObject({ project_id: 'app', type: 'storage' })
    expect(databaseRecord?.source).toMatchObject({ filename: 'mine.bin' })
    const weeks = (Date.parse(String(databaseRecord?.expires_at)) - Date.now()) / (7 * 86_400_000)
    expect(Math.round(weeks)).toBe(8)
  })

  it('refuses a pipe that brings nothing, whose program has failed, unless that is allowed', async () => {
    const args = ['send', '--project', 'piped', '--type', 'database', '-']
    const refused = await runCli(args, { env })
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/^error: Standard input was empty\nhint: .*--allow empty/m)
    const complete = await runCli(['list', '--project', 'piped', '--state', 'complete', '--json'], { env })
    expect(complete.json()).toEqual([])
    const allowed = await runCli([...args, '--allow', 'empty', '--json'], { env })
    expect(allowed.json()).toMatchObject({ success: true, databaseRecord: { size: 0 } })
  })

  it('says beforehand how long it takes where the pace of the chat makes it long', async () => {
    const large = join(vault.folder, 'large.bin')
    await writeFile(large, Buffer.alloc(70 * 64 * 1024))
    const args = ['send', '--project', 'p', '--type', 'storage', '--file', large]
    const paced = await callCli(args, { env: { ...env, TELEGRAM_MESSAGES_PER_MINUTE: '20' } })
    expect(paced.stderr).toMatch(/up to 7\d messages, at 20 messages a minute: this takes up to 3:/)
    expect((await callCli(args, { env })).stderr).not.toContain('minute')
  })

  it.each([
    [['--source', 'app', '--file', 'x'], /exactly one source/],
    [['--source', 'nope'], /There are: app/],
    [['postgresql://u:s3cret@h/x', '--project', 'p', '--type', 'database'], /option is "-"/],
    [
      ['--file', 'x', '--table', 't', '--project', 'p', '--type', 'storage'],
      /"table" cannot be combined with "file"/,
    ],
    [['--file', 'x', '--limit-rate', 'fast', '--project', 'p', '--type', 'storage'], /rate/],
    [['--directory', '/', '--allow', 'all', '--project', 'p', '--type', 'storage'], /unreadable, vanished/],
  ])('%j is refused', async (args, words) => {
    const run = await callCli(['send', ...args], { env })
    expect(run.code).toBe(2)
    expect(run.stderr).toMatch(words)
    expect(run.stdout + run.stderr).not.toContain('s3cret')
  })
})
