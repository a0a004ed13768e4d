import {
  BackupTelegramIntegration,
  createBackupTelegramIntegration,
  type IntegratedBackupOptions,
  queryByProject,
} from '@telegram-backup/api-gateway/backups'
import { CatalogError, type CatalogErrorCode } from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import type { BackupSendResult } from 'telegram-deployment-bot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let database: Awaited<ReturnType<typeof openTestCatalog>>

beforeAll(async () => {
  database = await openTestCatalog()
})

afterAll(async () => {
  await database.discard()
})

/** A telegram service of another make: it knows nothing of ledgers, parts or UUIDs. */
function plainService(answer: (options: { projectId: string }) => Partial<BackupSendResult>): {
  sendBackup(options: IntegratedBackupOptions): Promise<BackupSendResult>
} {
  return {
    sendBackup: async ({ projectId, type }) => ({
      success: true,
      metadata: {
        id: `backup_${Math.random()}`,
        projectId,
        type,
        filename: 'backup.sql',
        fileId: 'telegram-file-123',
        size: 1_024_000,
        createdAt: new Date(),
      },
      ...answer({ projectId }),
    }),
  }
}

describe('sendAndRecord with a telegram service of another make', () => {
  it('records what the service answered, under an id of the catalog’s own', async () => {
    const other = new BackupTelegramIntegration(
      plainService(() => ({})),
      { database },
    )
    const result = await other.sendAndRecord({
      projectId: 'proj-123',
      type: 'database',
      file: '/path/to/backup.sql',
    })
    expect(result.success).toBe(true)
    expect(result.telegramMetadata?.fileId).toBe('telegram-file-123')
    expect(result.databaseRecord).toMatchObject({
      project_id: 'proj-123',
      file_id: 'telegram-file-123',
      size: 1_024_000,
    })
  })

  it('says that Telegram failed, in the service’s own words, and records nothing', async () => {
    const failing = createBackupTelegramIntegration(
      { sendBackup: async () => ({ success: false, error: 'Telegram API error' }) },
      { database },
    )
    const result = await failing.sendAndRecord({
      projectId: 'other-failure',
      type: 'database',
      file: Buffer.from('x'),
    })
    expect(result.success).toBe(false)
    expect(result.error).toBe('Failed to send backup to Telegram: Telegram API error')
    expect(result.details).toEqual({
      telegramSuccess: false,
      databaseSuccess: false,
      telegramError: 'Telegram API error',
    })
    expect((await queryByProject('other-failure', {}, { database })).total).toBe(0)
  })

  it('does not blame the catalog in which others keep the index of the chat, but one that fails it', async () => {
    const hint = 'Try again; reconcile draws the index as well.'
    const failing = (code: CatalogErrorCode) => {
      const cause = new CatalogError('why', { code, hint })
      const sendBackup = async () => ({ success: false, error: cause.message, cause })
      return createBackupTelegramIntegration({ sendBackup }, { database })
    }
    const backup = { projectId: 'p', type: 'logs', file: Buffer.from('x') } as const
    expect(await failing('BUSY').sendAndRecord(backup)).toEqual({
      success: false,
      error: 'Failed to send backup to Telegram: why',
      code: 'BUSY',
      hint,
      details: { telegramSuccess: false, databaseSuccess: false, telegramError: 'why' },
    })
    for (const code of ['CATALOG', 'CONFLICT', 'LEASE_LOST'] as const) {
      expect(await failing(code).sendAndRecord(backup)).toMatchObject({
        error: 'Failed to record backup in database: why',
        code,
        details: { telegramSuccess: false, databaseSuccess: false, databaseError: 'why' },
      })
    }
  })

  it('resolves also when the service throws', async () => {
    const throwing = new BackupTelegramIntegration(
      { sendBackup: () => Promise.reject(new Error('Network timeout')) },
      { database },
    )
    const result = await throwing.sendAndRecord({ projectId: 'p', type: 'logs', file: Buffer.from('x') })
    expect(result.details).toMatchObject({ telegramSuccess: false, telegramError: 'Network timeout' })
  })

  it.each([
    { projectId: '../../etc', type: 'logs' },
    { projectId: 'shop', type: 'photos' },
    { type: 'logs' },
    undefined,
    null,
  ])('is not even asked to send %j', async options => {
    let calls = 0
    const counting = new BackupTelegramIntegration(
      plainService(() => {
        calls++
        return {}
      }),
      { database },
    )
    const given = options && { ...options, file: Buffer.from('x') }
    const result = await counting.sendAndRecord(given as IntegratedBackupOptions)
    expect(result).toMatchObject({
      success: false,
      details: { telegramSuccess: false, databaseSuccess: false },
    })
    expect(await counting.sendToTelegramOnly(given as IntegratedBackupOptions)).toMatchObject({
      success: false,
    })
    expect(calls).toBe(0)
  })

  it('that answers nothing has failed, and the next of several is sent all the same', async () => {
    const silent = new BackupTelegramIntegration({ sendBackup: async () => undefined as never }, { database })
    expect((await silent.sendAndRecord({ projectId: 'p', type: 'logs', file: 'x' })).success).toBe(false)
    const other = new BackupTelegramIntegration(
      plainService(() => ({})),
      { database },
    )
    const results = await other.sendAndRecordMultiple([
      undefined as never,
      { projectId: 'after-nothing', type: 'logs', file: 'x' },
    ])
    expect(results.map(result => result.success)).toEqual([false, true])
  })
})
