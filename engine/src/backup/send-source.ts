import type { SkippedFile } from '@telegram-backup/connectors/allowances.ts'
import type { OpenedSource } from '@telegram-backup/connectors/connector.ts'
import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import type { BackupOrigin, Database } from '@telegram-backup/database'
import { reconcileBeforeSend } from '@telegram-backup/vault/reconcile/before-send.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { type IBackupService, sendAndRecord } from '@telegram-backup/vault/send/send-and-record.ts'
import type { SendProgress, TelegramClient } from 'telegram-deployment-bot'
import type { SendPlan } from '#backup/send-plan.ts'
import { clockDifference } from '#clock-check.ts'
import type { Config } from '#environment.ts'

/** What became of a send: the integration's result, and of a directory what is missing or torn in it. */
export interface SentSource extends IntegratedBackupResult {
  skipped?: readonly SkippedFile[]
}

/** What a send of a source works with. */
export interface SendSource {
  database: Database
  client: TelegramClient
  service: IBackupService
  config: Config
  signal: AbortSignal
  origin: BackupOrigin
  /** Hears, a line at a time, what was settled before, and that a clock is wrong. */
  note: (line: string) => void
  /** Called once the source is open, before anything of it is sent. */
  onOpened?: (source: OpenedSource) => Promise<void>
  onProgress: (progress: SendProgress) => void
}

/**
 * Settles what dead runs left, then sends the source and records it. The source may still be opening; whoever
 * opened it closes it. Resolves, also on failure, unless the source cannot be opened.
 */
export async function sendSource(
  plan: SendPlan,
  opening: Promise<OpenedSource>,
  of: SendSource,
): Promise<SentSource> {
  const { database, client, service, config, signal } = of
  await reconcileBeforeSend({ database, client, config, signal, note: of.note })
  // A catalog that does not answer is told of below.
  const clocks = await clockDifference(database).catch(() => undefined)
  if (clocks !== undefined) of.note(`warning: ${clocks}`)
  const source = await opening
  await of.onOpened?.(source)
  // The catalog has more readers than the place of a source may have. The caller of the send hears all of it.
  const redactFailure = await connectorOf(plan.source).hideSource?.(plan.source, of.origin.sourceName)
  const result = await sendAndRecord(
    { database, service },
    {
      projectId: plan.project,
      type: plan.type,
      file: source,
      expires_at: plan.expiresAt,
      filename: plan.filename,
      caption: plan.caption,
      chatId: plan.chat,
      resume: plan.resume,
      origin: of.origin,
      redactFailure,
      signal,
      onProgress: of.onProgress,
    },
  )
  const { skipped = [] } = source
  return skipped.length === 0 ? result : { ...result, skipped }
}
