import type { Database, Job, JobProgress } from '@telegram-backup/database'
import type { BackupService, TelegramClient } from 'telegram-deployment-bot'
import type { LiveConfigFile } from '#config/live-config-file.ts'
import type { Config } from '#environment.ts'
import type { TellStage } from '#jobs/job-stages.ts'
import type { Logger } from '#logging.ts'
import type { RetentionAnnouncer } from '#retention/run-retention.ts'

export interface JobTools {
  config: Config
  /** The sources and targets; a job reads the file again before it uses them. */
  configFile: Pick<LiveConfigFile, 'sourceNames' | 'source' | 'target' | 'projectOf' | 'reread'>
  database: Database
  client: TelegramClient
  service: BackupService
  log: Logger
  retention: RetentionAnnouncer
  /** A client with a bound for its uploads, in bytes per second, and a service over it. */
  openLimited(bytesPerSecond: number): Promise<{ client: TelegramClient; service: BackupService }>
}

/** Why a job has to stop early: a person wants it, or the process ends. */
export type StopReason = 'cancelled' | 'stopping'

/** One attempt at a job. */
export interface JobRun {
  job: Job
  /** Fires when the job has to stop: for a `stopReason`, or because another process has taken it over. */
  signal: AbortSignal
  stopReason(): StopReason | undefined
  /** May be called at any rate; the catalog gets the newest progress once a second. */
  report(progress: JobProgress): void
  /** Writes into the log of the job; how the attempt failed is written by itself. */
  tell: TellStage
  /** Writes a note of an operation there, into the stage that goes on; `warning: …` is a warning. */
  note(line: string): void
}

/** Does what a job asks for, or throws. After its process died, another process does it again. */
export type JobHandler = (run: JobRun, tools: JobTools) => Promise<void>
