import type { Database } from '@telegram-backup/database'
import type { ConfigFile } from '@telegram-backup/engine/config/config-file.ts'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import type { Uploads } from '@telegram-backup/engine/job-handlers/upload-job.ts'
import type { JobQueue } from '@telegram-backup/engine/jobs/job-queue.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import type { Metrics } from '@telegram-backup/engine/monitoring/metrics.ts'
import type { ByteRange } from '@telegram-backup/engine/restore/contents.ts'

/** All that the HTTP API needs of the rest of the program. It opens and closes none of it. */
export interface HttpPorts {
  database: Database
  queue: JobQueue
  /** What sources and targets there are. A request never holds more of them than a name. */
  configFile: Pick<ConfigFile, 'source' | 'target' | 'projectOf' | 'sourceNames' | 'targetNames'>
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

/** Fetches the plain bytes of backups. */
export interface Contents {
  /** What is known of them before anything is fetched. Throws `NOT_FOUND`. */
  describe(backupId: string): Promise<{ size: number; filename: string; sha256: string | null }>
  /**
   * Throws what is known before the first byte: `NOT_FOUND`, `CONFIGURATION` without a key. The bytes throw `INTEGRITY` as soon as a
   * part is not what was sent; what they gave before was verified. They are iterated once, or not at all. Of a range, only the parts that hold it
   * are fetched, and each is verified as a whole.
   */
  open(
    backupId: string,
    options: { signal: AbortSignal; range?: ByteRange | undefined },
  ): Promise<AsyncIterable<Buffer>>
}

/** Whether what the service stands on answers. */
export interface Readiness {
  catalog: boolean
  chat: boolean
}
