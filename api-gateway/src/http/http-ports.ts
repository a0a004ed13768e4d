import type { Readable } from 'node:stream'
import type { BackupType, Database } from '@telegram-backup/database'
import type { ConfigFile } from '#config-file.ts'
import type { HttpSettings } from '#http/http-settings.ts'
import type { RequestObserver } from '#http/request-context.ts'
import type { JobQueue } from '#jobs/job-queue.ts'
import type { IntegratedBackupResult } from '#lib/backups/integrated-result.ts'
import type { Logger } from '#logging.ts'

/** All that the HTTP API needs of the rest of the program. It opens and closes none of it. */
export interface HttpPorts {
  database: Database
  queue: JobQueue
  /** What sources and targets there are. A request never holds more of them than a name. */
  configFile: Pick<ConfigFile, 'source' | 'sourceNames' | 'target' | 'targetNames'>
  uploads: Uploads
  contents: Contents
  /** Whether catalog and chat can be reached. Never rejects; quick, also when one of them hangs. */
  readiness(): Promise<Readiness>
  /** Without them there is no `/metrics`. */
  metrics: Metrics | undefined
  log: Logger
  settings: HttpSettings
  /** Of the program. */
  version: string
}

/** Sends what a request brings to the chat. */
export interface Uploads {
  /**
   * Resolves, also on failure, and then nothing is left of it in the chat. It runs under a job of its own, whose id `onJob`
   * hears. The signal, and a body that fails, end it.
   */
  send(upload: {
    projectId: string
    type: BackupType
    filename: string | undefined
    body: Readable
    /** Who asked, for the record. */
    actor: string
    signal: AbortSignal
    onJob?: (jobId: string) => void
  }): Promise<IntegratedBackupResult>
}

/** Fetches the plain bytes of backups. */
export interface Contents {
  /**
   * Throws what is known before the first byte: `NOT_FOUND`, `CONFIGURATION` without a key. `bytes` throws `INTEGRITY` as soon as a
   * part is not what was sent; what it gave before was verified. It is iterated once, or not at all.
   */
  open(
    backupId: string,
    signal: AbortSignal,
  ): Promise<{ bytes: AsyncIterable<Buffer>; size: number; filename: string }>
}

/** Whether what the service stands on answers. */
export interface Readiness {
  catalog: boolean
  chat: boolean
}

/** What is measured. */
export interface Metrics {
  /** As text of Prometheus. */
  render(): Promise<{ contentType: string; text: string }>
  /** Hears of each request that has ended. */
  observeRequest: RequestObserver
}
