import type { Database } from '@telegram-backup/database'
import type { ConfigFile } from '@telegram-backup/engine/config/config-file.ts'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import type { Engine } from '@telegram-backup/engine/engine.ts'
import type { Uploads } from '@telegram-backup/engine/job-handlers/upload-job.ts'
import type { JobQueue } from '@telegram-backup/engine/jobs/job-queue.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import type { Metrics } from '@telegram-backup/engine/monitoring/metrics.ts'
import type { OidcProviders } from '@telegram-backup/engine/operations/oidc.ts'
import type { ObjectsPart } from '@telegram-backup/engine/service/objects.ts'
import type { DescribedError } from '@telegram-backup/errors'
import type { RequestHandler } from 'express'
import type { Names } from '#http/callers.ts'
import type { BuiltPage } from '#http/page/page-files.ts'

/** What the HTTP API needs from the rest of the program. The caller opens and closes it. */
export interface HttpPorts {
  /** A pool for short queries alone, so that long work cannot block requests. */
  database: Database
  engine: Engine
  queue: JobQueue
  /** The names, and what is known about the file; `fault`: its last usable contents are in use. */
  configFile: Names &
    Pick<ConfigFile, 'notifications' | 'verification'> & { readonly fault?: DescribedError | undefined }
  uploads: Uploads
  /** Whether the catalog and the chat can be reached. Answers soon and never rejects. */
  readiness(): Promise<Readiness>
  /** Without them there is no `/metrics`. */
  metrics: Metrics | undefined
  log: Logger
  settings: HttpSettings
  /** The version of the program. */
  version: string
  /** The objects of buckets; it throws why this service has none. Without it, no bucket can be undeleted. */
  objects?: ObjectsPart['store'] | undefined
  /** Answers every request below `/restic/`; nothing is there without it. */
  restic?: RequestHandler | undefined
  /** By which people can sign in; none without it. */
  providers?: OidcProviders | undefined
  /** Without it there is no page; `built` is undefined if there should be one and it has not been built. */
  page?: { built: BuiltPage | undefined } | undefined
}

export interface Readiness {
  catalog: boolean
  chat: boolean
}
