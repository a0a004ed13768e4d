/**
 * Ten ways to use the integration. The tests run each of them as it stands.
 *
 * They take the integration, or the service, as an argument; `connect` shows how to make both.
 */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import {
  type Backup,
  type BackupStats,
  BackupTelegramIntegration,
  BackupType,
  getBackupDetails,
  getBackupStats,
  type IntegratedBackupResult,
  planFetch,
  queryByProject,
  updateBackup,
} from '@telegram-backup/api-gateway/backups'
import type { Database } from '@telegram-backup/database'
import { BackupService, createTelegramClient } from 'telegram-deployment-bot'

/** Makes a service and an integration. Keys, part size and pace come from the environment. */
export function connect(options: { token: string; chatId: string; database?: Database }): {
  service: BackupService
  integration: BackupTelegramIntegration
} {
  const service = new BackupService({
    telegramClient: createTelegramClient({ token: options.token }),
    defaultChatId: options.chatId,
  })
  const { database } = options
  return { service, integration: new BackupTelegramIntegration(service, database ? { database } : {}) }
}

/** 1. Back up a dump in a file. */
export async function backUpDump(integration: BackupTelegramIntegration, path: string): Promise<string> {
  const result = await integration.sendAndRecord({ projectId: 'shop', type: BackupType.DATABASE, file: path })
  if (!result.success || !result.databaseRecord) throw new Error(result.error)
  return result.databaseRecord.id
}

/** 2. Back up bytes in memory; they need a file name. */
export async function backUpBuffer(
  integration: BackupTelegramIntegration,
  settings: object,
): Promise<IntegratedBackupResult> {
  return integration.sendAndRecord({
    projectId: 'shop',
    type: BackupType.STORAGE,
    file: Buffer.from(JSON.stringify(settings)),
    filename: 'settings.json',
  })
}

/** 3. Back up a stream of any length; it is not stored on the way. */
export async function backUpStream(
  integration: BackupTelegramIntegration,
  path: string,
): Promise<IntegratedBackupResult> {
  return integration.sendAndRecord({
    projectId: 'shop',
    type: BackupType.LOGS,
    file: createReadStream(path),
    filename: 'access.log',
  })
}

/** 4. Add a caption in the chat, and keep the backup for a year instead of 30 days. */
export async function backUpBeforeUpgrade(
  integration: BackupTelegramIntegration,
  path: string,
): Promise<IntegratedBackupResult> {
  const oneYear = 365 * 24 * 60 * 60 * 1000
  return integration.sendAndRecord({
    projectId: 'shop',
    type: BackupType.DATABASE,
    file: path,
    caption: 'Before the upgrade to version 2',
    expires_at: new Date(Date.now() + oneYear),
  })
}

/** 5. Back up several things in order; one that fails does not stop the others. */
export async function backUpAll(integration: BackupTelegramIntegration, paths: string[]): Promise<string[]> {
  const results = await integration.sendAndRecordMultiple(
    paths.map(file => ({ projectId: 'shop', type: BackupType.STORAGE, file })),
  )
  return results.map((result, index) => `${paths[index]}: ${result.success ? 'safe' : result.error}`)
}

/** 6. Find out which side failed, and what to do. */
export async function explainFailure(integration: BackupTelegramIntegration, path: string): Promise<string> {
  const result = await integration.sendAndRecord({ projectId: 'shop', type: BackupType.DATABASE, file: path })
  if (result.success) return 'all is well'
  const side = result.details.telegramSuccess ? 'the catalog' : 'the sending'
  return `${side} failed (${result.code}): ${result.error}. ${result.hint ?? ''}`
}

/** 7. The catalog failed, but the chat has the backup: record it later, from the result of the first call. */
export async function recordLater(
  integration: BackupTelegramIntegration,
  result: IntegratedBackupResult,
): Promise<Backup> {
  if (result.databaseRecord) return result.databaseRecord
  if (!result.telegramMetadata) throw new Error('it never reached the chat; send it again')
  return integration.recordInDatabaseOnly(result.telegramMetadata)
}

/** 8. Show progress, and stop when the user wants to; the messages already sent are deleted. */
export async function backUpWithProgress(
  integration: BackupTelegramIntegration,
  path: string,
  stop: AbortSignal,
): Promise<{ result: IntegratedBackupResult; lines: string[] }> {
  const lines: string[] = []
  const result = await integration.sendAndRecord({
    projectId: 'shop',
    type: BackupType.STORAGE,
    file: path,
    signal: stop,
    onProgress: ({ plainBytesRead, partsSent }) =>
      lines.push(`${plainBytesRead} bytes read, ${partsSent} parts sent`),
  })
  return { result, lines }
}

/** 9. Read the catalog, and keep one backup longer. */
export async function reviewProject(
  projectId: string,
  database: Database,
): Promise<{ newest: Backup | undefined; stats: BackupStats }> {
  const { data } = await queryByProject(projectId, { limit: 1 }, { database })
  const [newest] = data
  const inTenDays = new Date(Date.now() + 10 * 24 * 60 * 60 * 1000)
  if (newest && newest.expires_at < inTenDays)
    await updateBackup(newest.id, { expires_at: inTenDays }, { database })
  return { newest, stats: await getBackupStats(projectId, { database }) }
}

/**
 * 10. Fetch a backup. Each part is verified before its bytes come out; here, they are compressed on the way.
 */
export async function fetchBack(
  service: BackupService,
  options: { id: string; identities: string[]; to: NodeJS.WritableStream; database: Database },
): Promise<void> {
  const backup = await getBackupDetails(options.id, { database: options.database })
  if (!backup) throw new Error('no such backup')
  const bytes = service.fetchBackup({ ...planFetch(backup), identities: options.identities })
  await pipeline(bytes, createGzip(), options.to)
}
