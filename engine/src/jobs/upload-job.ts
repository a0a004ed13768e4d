import { hostname } from 'node:os'
import type { Readable } from 'node:stream'
import { type BackupType, beginJob, createJob, type Database } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { type IBackupService, sendAndRecord } from '@telegram-backup/vault/send/send-and-record.ts'
import { progressOfSend, progressOfWhole } from '#jobs/backup-progress.ts'
import type { JobRun } from '#jobs/job-handler.ts'
import { type JobDelivery, RunningJob } from '#jobs/running-job.ts'
import type { Logger } from '#logging.ts'

export type { IntegratedBackupResult }

/** Sends what a request brings to the chat. */
export interface Uploads {
  /**
   * Resolves, also on failure, and then nothing is left of it in the chat. It runs under a job of its own,
   * whose id `onJob` hears. The signal, and a body that fails, end it.
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

type Upload = Parameters<Uploads['send']>[0]

/** The job of an upload is done where its bytes come in: no queue knows of it. */
const NO_QUEUE: JobDelivery = { deliver: async () => {}, settle: async () => {} }

/**
 * Sends uploads in this process, where their bytes come in. The job of one is delivered to nobody; when the
 * process dies it is found like any other whose process is gone, and fails, since its bytes are gone as well.
 */
export function createUploads(of: { database: Database; service: IBackupService; log: Logger }): Uploads {
  return {
    send: async upload => {
      const { projectId, type, actor } = upload
      const database = { ...of.database, actor }
      const request = { kind: 'backup', projectId, actor, options: { upload: true, type } } as const
      const { job } = await createJob(database, request, async () => {})
      const begun = await beginJob(database, { jobId: job.id, worker: `${hostname()}:${process.pid}` })
      if (begun === null) throw new BackupError('The upload was cancelled', { code: 'CANCELLED' })
      upload.onJob?.(job.id)
      const running = new RunningJob(begun, { tools: { ...of, database }, queue: NO_QUEUE })
      // A client that disconnects during the upload cancels it.
      const onGone = (): void => running.stop('cancelled')
      upload.signal.addEventListener('abort', onGone, { once: true })
      if (upload.signal.aborted) onGone()
      try {
        return await resultOf(running, run => send(upload, run, { ...of, database }))
      } finally {
        upload.signal.removeEventListener('abort', onGone)
      }
    },
  }
}

/** What the send came to, also when its job could not be told: the backup is what counts. */
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
  { job, signal, report }: JobRun,
  { database, service }: { database: Database; service: IBackupService },
): Promise<IntegratedBackupResult> {
  const result = await sendAndRecord(
    { database, service },
    {
      projectId: upload.projectId,
      type: upload.type,
      file: upload.body,
      filename: upload.filename,
      signal,
      origin: { jobId: job.id },
      onProgress: state => report(progressOfSend(state)),
    },
  )
  const { success, databaseRecord: backup } = result
  if (success && backup) report(progressOfWhole(backup))
  return result
}
