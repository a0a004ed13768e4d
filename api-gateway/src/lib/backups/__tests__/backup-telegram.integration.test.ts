import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  BackupTelegramIntegration,
  BackupType,
  getBackupById,
  getBackupDetails,
  type IntegratedBackupOptions,
  listBackups,
  queryByProject,
} from '@telegram-backup/api-gateway/backups'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { BackupMetadata } from 'telegram-deployment-bot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let vault: TestVault
let database: Awaited<ReturnType<typeof openTestCatalog>>
let integration: BackupTelegramIntegration

beforeAll(async () => {
  ;[vault, database] = await Promise.all([openTestVault(), openTestCatalog()])
  integration = new BackupTelegramIntegration(vault.service, { database })
})

afterAll(async () => {
  await database.discard()
  await vault.close()
})

describe('sendAndRecord', () => {
  it.each(Object.values(BackupType))('sends and records a backup of type %s', async type => {
    const result = await integration.sendAndRecord({
      projectId: 'types',
      type,
      file: Buffer.from(`a ${type}`),
    })
    expect(result).toMatchObject({ success: true, details: { telegramSuccess: true, databaseSuccess: true } })
    expect(result.telegramMetadata?.type).toBe(type)
    expect(result.databaseRecord).toMatchObject({
      project_id: 'types',
      type,
      state: 'complete',
      restore_count: 0,
    })
  })

  it('takes a path, a Buffer and a Readable', async () => {
    const bytes = randomBytes(200_000)
    const path = join(vault.folder, 'dump.sql')
    await writeFile(path, bytes)
    for (const file of [path, bytes, Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])]) {
      const { databaseRecord } = await integration.sendAndRecord({
        projectId: 'shapes',
        type: 'storage',
        file,
      })
      expect(databaseRecord?.size).toBe(bytes.length)
      const details = await getBackupDetails(databaseRecord?.id ?? '', { database })
      expect(details?.parts.length).toBeGreaterThan(3)
      expect(details?.parts.every(part => part.state === 'sent' && part.message_id !== null)).toBe(true)
      expect(details?.manifest?.message_id).toBe(Math.max(...vault.messageIds()))
    }
  })

  it('records the first part’s file id, a UUID, plain bytes and 30 days', async () => {
    const { databaseRecord: record, telegramMetadata } = await integration.sendAndRecord({
      projectId: 'fields',
      type: 'database',
      file: Buffer.alloc(300_000),
    })
    expect(record?.id).toMatch(/^[0-9a-f-]{36}$/)
    expect(record?.file_id).toBe(telegramMetadata?.parts?.[0]?.fileId)
    expect(record?.size).toBe(300_000)
    const days = ((record?.expires_at.getTime() ?? 0) - (record?.created_at.getTime() ?? 0)) / 86_400_000
    expect(days).toBe(30)
  })

  it('keeps an expiry of the caller’s own', async () => {
    const expires_at = new Date('2031-12-31T00:00:00Z')
    const { databaseRecord } = await integration.sendAndRecord({
      projectId: 'expiry',
      type: 'logs',
      file: Buffer.from('x'),
      expires_at,
    })
    expect(databaseRecord?.expires_at).toEqual(expires_at)
  })

  it('sends an empty file as a backup of zero bytes', async () => {
    const path = join(vault.folder, 'empty.sql')
    await writeFile(path, '')
    const { success, databaseRecord } = await integration.sendAndRecord({
      projectId: 'empty',
      type: 'database',
      file: path,
    })
    expect(success).toBe(true)
    expect(databaseRecord?.size).toBe(0)
  })

  it('cuts a very long caption to what Telegram takes, and keeps the record’s own', async () => {
    const caption = '🙂 very long '.repeat(500)
    const result = await integration.sendAndRecord({
      projectId: 'caption',
      type: 'logs',
      file: Buffer.from('x'),
      caption,
    })
    expect(result.success).toBe(true)
    const shown = vault.emulator.inspect.messages(vault.chatId).at(-1)?.caption ?? ''
    expect([...shown].length).toBeLessThanOrEqual(1024)
    expect(shown.startsWith('🙂 very long')).toBe(true)
    expect(shown).toContain(`backup=${result.databaseRecord?.id}`)
  })

  it.each([
    '../../etc',
    'a/b',
    '',
    '.hidden',
    'a..b',
    "x'; DROP TABLE control_plane.backups; --",
    'x'.repeat(65),
    'a\nb',
    'a\u0000b',
  ])('refuses the project id %j, with nothing sent and nothing recorded', async projectId => {
    const before = vault.emulator.inspect.calls('sendDocument')
    const recorded = (await listBackups({}, { database })).total
    const result = await integration.sendAndRecord({ projectId, type: 'logs', file: Buffer.from('x') })
    expect(result).toMatchObject({ success: false, code: 'INVALID' })
    expect(vault.emulator.inspect.calls('sendDocument')).toBe(before)
    expect((await listBackups({}, { database })).total).toBe(recorded)
  })

  it('refuses what is neither path, Buffer nor Readable, an unknown type, and a missing file', async () => {
    const bad = [
      { file: 42, type: 'logs' },
      { file: { path: '/etc/passwd' }, type: 'logs' },
      { file: Buffer.from('x'), type: 'Database' },
      { file: join(vault.folder, 'no-such-file'), type: 'logs' },
      { file: vault.folder, type: 'logs' },
    ]
    for (const options of bad) {
      const result = await integration.sendAndRecord({
        projectId: 'bad',
        ...options,
      } as IntegratedBackupOptions)
      expect(result, JSON.stringify(options)).toMatchObject({ success: false, code: 'INVALID' })
      expect(result.error).toMatch(/^Failed to send backup to Telegram: /)
    }
    expect((await queryByProject('bad', {}, { database })).total).toBe(0)
  })
})

describe('sendAndRecordMultiple', () => {
  it('goes in order, and one failure does not stop the next', async () => {
    const results = await integration.sendAndRecordMultiple([
      { projectId: 'batch', type: 'database', file: Buffer.from('1') },
      { projectId: 'batch', type: 'logs', file: '/no/such/file' },
      { projectId: 'batch', type: 'storage', file: Buffer.from('3') },
    ])
    expect(results.map(result => result.success)).toEqual([true, false, true])
    const times = results.flatMap(result => result.telegramMetadata?.completedAt?.getTime() ?? [])
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect((await queryByProject('batch', {}, { database })).total).toBe(2)
  })
})

describe('sendToTelegramOnly and recordInDatabaseOnly', () => {
  it('send without a record, and record it later with every message', async () => {
    const sent = await integration.sendToTelegramOnly({
      projectId: 'apart',
      type: 'storage',
      file: randomBytes(150_000),
    })
    expect(sent.success).toBe(true)
    expect((await queryByProject('apart', {}, { database })).total).toBe(0)
    const record = await integration.recordInDatabaseOnly(sent.metadata as BackupMetadata)
    const details = await getBackupDetails(record.id, { database })
    expect(details?.parts.map(part => part.message_id)).toEqual(
      sent.metadata?.parts?.map(part => part.messageId),
    )
    expect(details?.manifest?.message_id).toBe(sent.metadata?.manifest?.messageId)
    // Recording twice is recording once, also from what was kept as JSON.
    const kept = JSON.parse(JSON.stringify(sent.metadata)) as BackupMetadata
    const again = await integration.recordInDatabaseOnly(kept)
    expect(again.id).toBe(record.id)
    expect((await queryByProject('apart', {}, { database })).total).toBe(1)
  })

  it('records minimal metadata, whose id need not be a UUID, with an expiry', async () => {
    const metadata: BackupMetadata = {
      id: 'backup-123',
      projectId: 'proj-456',
      type: 'logs',
      filename: 'logs.json',
      fileId: 'telegram-logs-123',
      size: 512_000,
      createdAt: new Date(),
    }
    const expiry = new Date('2030-06-30T00:00:00Z')
    const record = await integration.recordInDatabaseOnly(metadata, expiry)
    expect(record).toMatchObject({
      project_id: 'proj-456',
      file_id: 'telegram-logs-123',
      size: 512_000,
      expires_at: expiry,
    })
    expect(await getBackupById(record.id, { database })).toEqual(record)
  })

  it('throws a BackupError for metadata that cannot be recorded', async () => {
    const metadata = {
      id: 'x',
      projectId: '../x',
      type: 'logs',
      filename: '',
      fileId: '',
      size: -1,
      createdAt: new Date(),
    }
    await expect(integration.recordInDatabaseOnly(metadata as BackupMetadata)).rejects.toMatchObject({
      name: 'BackupError',
      code: 'INVALID',
      message: expect.stringMatching(/^Failed to record backup in database: /),
    })
  })
})
