import type { Encryption, SigningKey } from '@telegram-backup/archive'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { BackupLabels, BackupType, SendProgress } from '#services/backup-metadata.ts'
import type { BackupSource } from '#services/backup-source.ts'
import type { PartLedger } from '#services/part-ledger.ts'
import type { ResumedSend } from '#services/resumed-send.ts'

export interface SendRunOptions {
  client: TelegramClient
  ledger: PartLedger | undefined
  source: BackupSource
  encryption: Encryption
  signingKey: SigningKey
  /** Of a part as sent, at most. */
  partSizeBytes: number
  /** Parallel uploads. Telegram throttles more than four of like size. */
  partsInFlight: number
  id: string
  /** Proven parts of an earlier run. */
  resume: ResumedSend | undefined
  projectId: string
  type: BackupType
  /** Numeric or `@name`. */
  chat: string
  replicaChat: string | undefined
  caption: string | undefined
  labels: BackupLabels
  expiresAt: Date | undefined
  signal: AbortSignal | undefined
  onProgress: ((progress: SendProgress) => void) | undefined
}
