import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { BackupTelegramIntegration, getBackupById } from '@telegram-backup/api-gateway/backups'
import {
  openTestCatalog,
  openTestVault,
  TEST_PART_SIZE_BYTES,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { BackupService, createTelegramClient } from 'telegram-deployment-bot'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  backUpAll,
  backUpBeforeUpgrade,
  backUpBuffer,
  backUpDump,
  backUpStream,
  backUpWithProgress,
  connect,
  explainFailure,
  fetchBack,
  recordLater,
  reviewProject,
} from '#lib/backups/examples.ts'

let vault: TestVault
let database: Awaited<ReturnType<typeof openTestCatalog>>
let service: BackupService
let integration: BackupTelegramIntegration
let path: string
const bytes = randomBytes(200_000)

beforeAll(async () => {
  ;[vault, database] = await Promise.all([openTestVault(), openTestCatalog()])
  vi.stubEnv('TELEGRAM_API_ROOT', vault.emulator.url)
  vi.stubEnv('TELEGRAM_PART_SIZE', String(TEST_PART_SIZE_BYTES))
  vi.stubEnv('BACKUP_AGE_RECIPIENTS', vault.recipient)
  ;({ service, integration } = connect({ token: vault.token, chatId: String(vault.chatId), database }))
  path = join(vault.folder, 'shop.sql')
  await writeFile(path, bytes)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await database.discard()
  await vault.close()
})

describe('the examples', () => {
  it('1 and 10: a dump goes out and comes back', async () => {
    const id = await backUpDump(integration, path)
    const out = join(vault.folder, 'back.gz')
    await fetchBack(service, { id, identities: [vault.identity], to: createWriteStream(out), database })
    expect(gunzipSync(await readFile(out)).equals(bytes)).toBe(true)
  })

  it('2: a Buffer', async () => {
    const result = await backUpBuffer(integration, { language: 'de' })
    expect(result.databaseRecord?.filename).toMatch(/\.json$/)
  })

  it('3: a stream', async () => {
    expect((await backUpStream(integration, path)).databaseRecord?.size).toBe(bytes.length)
  })

  it('4: a caption and an expiry', async () => {
    const { databaseRecord } = await backUpBeforeUpgrade(integration, path)
    expect(databaseRecord?.caption).toBe('Before the upgrade to version 2')
    expect(databaseRecord?.expires_at.getTime()).toBeGreaterThan(Date.now() + 364 * 86_400_000)
  })

  it('5: several, of which one fails', async () => {
    const lines = await backUpAll(integration, [path, '/no/such/file', path])
    expect(lines.map(line => line.endsWith(': safe'))).toEqual([true, false, true])
  })

  it('6: which side failed', async () => {
    expect(await explainFailure(integration, path)).toBe('all is well')
    expect(await explainFailure(integration, '/no/such/file')).toMatch(/^the sending failed \(INVALID\)/)
  })

  it('7: recording later', async () => {
    const sent = await integration.sendToTelegramOnly({ projectId: 'shop', type: 'database', file: path })
    const record = await recordLater(integration, {
      success: false,
      ...(sent.metadata ? { telegramMetadata: sent.metadata } : {}),
      details: { telegramSuccess: true, databaseSuccess: false },
    })
    expect(record.state).toBe('complete')
  })

  it('8: progress, and stopping', async () => {
    const { result, lines } = await backUpWithProgress(integration, path, new AbortController().signal)
    expect(result.success).toBe(true)
    expect(lines.at(-1)).toMatch(/^200000 bytes read, \d+ parts sent$/)
    const stopped = await backUpWithProgress(integration, path, AbortSignal.abort())
    expect(stopped.result).toMatchObject({ success: false, code: 'CANCELLED' })
  })

  it('9: reviewing a project', async () => {
    const soon = new Date(Date.now() + 86_400_000)
    await integration.sendAndRecord({
      projectId: 'review',
      type: 'logs',
      file: Buffer.from('x'),
      expires_at: soon,
    })
    const { newest, stats } = await reviewProject('review', database)
    expect(stats).toMatchObject({ total_backups: 1, expiring_soon: 0 })
    const kept = await getBackupById(newest?.id ?? '', { database })
    expect(kept?.expires_at.getTime()).toBeGreaterThan(soon.getTime())
  })
})

describe('the specification’s usage example', () => {
  it('runs as written, with the catalog that the environment names', async () => {
    vi.stubEnv('TELEGRAM_BACKUP_HOME', join(vault.folder, 'home'))
    const { token } = vault
    // A chat of its own: the other one belongs to the catalog of the tests above.
    const administrators = [{ bot: { id: Number(vault.client.botId) } }]
    const chat = vault.emulator.createChat({ type: 'channel', title: 'Shop', administrators })
    vi.stubEnv('TELEGRAM_CHAT_ID', String(chat.id))
    const client = createTelegramClient({ token })

    // Initialize
    const telegramService = new BackupService({
      telegramClient: client,
      defaultChatId: process.env['TELEGRAM_CHAT_ID'],
    })

    const integration = new BackupTelegramIntegration(telegramService)

    // Send and record backup
    const result = await integration.sendAndRecord({
      projectId: 'proj-123',
      type: 'database',
      file: path,
    })

    expect(result.success).toBe(true)
    expect(result.telegramMetadata?.fileId).toBe(result.databaseRecord?.file_id)
    expect(await getBackupById(result.databaseRecord?.id ?? '')).toEqual(result.databaseRecord)
  })
})
