import { hostname } from 'node:os'
import { beginJob, createJob, type Database } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { IBackupService } from '@telegram-backup/vault/send/send-and-record.ts'
import { progressOfSend, progressOfWhole } from '#jobs/backup-progress.ts'
import type { JobRun } from '#jobs/job-handler.ts'
import { type JobDelivery, RunningJob } from '#jobs/running-job.ts'
import { tellOfBackup } from '#jobs/tell-of-backup.ts'
import type { Logger } from '#logging.ts'
import { backupUpload, type IntegratedBackupResult, type Upload } from '#operations/backup.ts'

export interface UploadRequest extends Upload {
  actor: string
  /** Ends it, as does a body that fails. */
  signal: AbortSignal
  /** Gets the id of the job that it runs as. */
  onJob?: (jobId: string) => void
}

/** Sends what a request brings to the chat. Resolves also when it fails; then nothing stays in the chat. */
export interface Uploads {
  send(upload: UploadRequest): Promise<IntegratedBackupResult>
}

/** No queue delivers the job of an upload: the process that receives the bytes does it. */
const NO_QUEUE: JobDelivery = { deliver: async () => {}, acknowledge: async () => {} }

/**
 * Sends uploads in this process, each as a job of its own. If the process dies, the sweeper finds that job
 * like any other and fails it, because its bytes are gone.
 */
export function createUploads(of: { database: Database; service: IBackupService; log: Logger }): Uploads {
  return {
    send: async ({ actor, signal, onJob, ...upload }) => {
      const { projectId, type } = upload
      const database = { ...of.database, actor }
      const request = { kind: 'backup', projectId, actor, options: { upload: true, type } } as const
      const { job } = await createJob(database, request, async () => {})
      const begun = await beginJob(database, { jobId: job.id, worker: `${hostname()}:${process.pid}` })
      if (begun === null) throw new BackupError('The upload was cancelled', { code: 'CANCELLED' })
      onJob?.(job.id)
      const running = new RunningJob(begun, { tools: { ...of, database }, queue: NO_QUEUE })
      // A client that disconnects during the upload cancels it.
      const onGone = (): void => running.stop('cancelled')
      signal.addEventListener('abort', onGone, { once: true })
      if (signal.aborted) onGone()
      try {
        return await resultOf(running, run => send(upload, run, { ...of, database }))
      } finally {
        signal.removeEventListener('abort', onGone)
      }
    },
  }
}

/** The result of the send, even when the end of its job could not be recorded: the backup is what counts. */
async function resultOf(
  running: RunningJob,
  work: (run: JobRun) => Promise<IntegratedBackupResult>,
): Promise<IntegratedBackupResult> {
  let ended: IntegratedBackupResult | undefined
  let thrown: unknown
  await running.run(async run => {
    try {
      ended = await work(run)
    } catch (error) {
      thrown = error
      throw error
    }
    const { success, code = 'TELEGRAM', error = 'It failed', hint } = ended
    if (!success) throw new BackupError(error, { code, hint })
  })
  if (ended === undefined) throw thrown
  return ended
}

async function send(
  upload: Upload,
  { job, signal, report, tell }: JobRun,
  engine: { database: Database; service: IBackupService },
): Promise<IntegratedBackupResult> {
  tell('prepare', 'Receiving an upload')
  const result = await backupUpload(engine, upload, {
    signal,
    origin: { jobId: job.id },
    onProgress: state => report(progressOfSend(state)),
  })
  if (result.success && result.databaseRecord) {
    report(progressOfWhole(result.databaseRecord))
    tellOfBackup(result.databaseRecord, tell)
  }
  return result
}
