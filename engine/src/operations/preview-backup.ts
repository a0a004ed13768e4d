import type { SourcePreview } from '@telegram-backup/connectors/preview.ts'
import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import { BackupError } from '@telegram-backup/errors'
import {
  type BackupService,
  estimateSend,
  type SendEstimate,
  type TelegramClient,
} from 'telegram-deployment-bot'
import { warningsBefore } from '#backup/before-send.ts'
import type { SendPlan } from '#backup/send-plan.ts'
import type { Config } from '#environment.ts'

export type { SourcePreview }

export interface BackupPreview {
  source: SourcePreview
  /** Numeric or `@name`. */
  chat: string
  replicaChat: string | undefined
  isEncrypted: boolean
  /** The most messages and seconds, if nothing can be compressed; undefined when the size is unknown. */
  estimate: SendEstimate | undefined
  messagesPerMinute: number
  /** Sentences that a person should read before the backup is sent. */
  warnings: readonly string[]
}

/**
 * What a backup would send. Makes the checks that a backup makes before its first message, without the chat
 * and the catalog. Sends and records nothing. Throws what the backup would throw, and `USAGE` for a source
 * that can be read only once.
 */
export async function previewBackup(
  { config, client, service }: { config: Config; client: TelegramClient; service: BackupService },
  plan: SendPlan,
  signal: AbortSignal,
): Promise<BackupPreview> {
  const { project: projectId, type, filename, caption, chat: chatId, expiresAt, bytesPerSecond } = plan
  const { chat, replicaChat, encryption, partSizeBytes } = service.check({
    ...{ projectId, type, filename, caption, chatId, expiresAt },
  })
  const connector = connectorOf(plan.source)
  if (connector.preview === undefined) {
    throw new BackupError('What comes from standard input can be read only once', {
      code: 'USAGE',
      hint: 'Try it with a file, a directory or a database.',
    })
  }
  const warnings = await warningsBefore(plan, config)
  const source = await connector.preview(plan.source, { type, signal })
  const { messagesPerMinute } = client
  const { bytes: archiveBytes } = source
  return {
    ...{ chat, replicaChat, messagesPerMinute, warnings },
    source: filename === undefined ? source : { ...source, filename },
    isEncrypted: encryption !== 'off',
    estimate:
      archiveBytes === undefined
        ? undefined
        : estimateSend({ archiveBytes, partSizeBytes, messagesPerMinute, bytesPerSecond }),
  }
}
