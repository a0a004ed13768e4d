import { openSource, recordedKind } from '@telegram-backup/connectors/registry.ts'
import type { BackupOrigin } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { reconcileBeforeSend } from '@telegram-backup/vault/reconcile/before-send.ts'
import { resumeSend } from '@telegram-backup/vault/reconcile/resume-send.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import type { CallWait, SendEstimate, SendProgress } from 'telegram-deployment-bot'
import { failureBefore, warningsBefore } from '#backup/before-send.ts'
import type { SendPlan } from '#backup/send-plan.ts'
import { type SentSource, sendSource } from '#backup/send-source.ts'
import { estimateSource } from '#backup/send-time.ts'
import type { Engine, Watching } from '#operations/engine.ts'
import { findBackup } from '#operations/find-backup.ts'

export type { CallWait, IntegratedBackupResult, SendEstimate, SendPlan, SendProgress, SentSource }
export { failureBefore, warningsBefore }

/** Callbacks of a backup. */
export interface BackupHooks extends Watching {
  /** The source, the schedule and the job that it comes from; for the record. */
  origin: BackupOrigin
  /** Whether to wait for the writer of a FIFO in the place of a file; else one is refused. */
  waits: boolean
  /** Says of a source that cannot be opened or read what is to be told. Default: the error itself. */
  onSourceFailed?: (error: unknown) => unknown
  /**
   * Hears, once the source is open and before anything of it is sent, how long it takes at most; not where
   * nobody knows.
   */
  onEstimate?: (estimate: SendEstimate, of: { messagesPerMinute: number }) => void
  onProgress: (progress: SendProgress) => void
}

/**
 * Backs up a source: starts it, settles what dead runs left, sends and records. The source works while the
 * engine is still being opened; it is closed in the end, whatever became of the backup. Resolves, also on
 * failure, unless the engine or the source cannot be opened.
 */
export async function backup(
  engine: Engine | Promise<Engine>,
  plan: SendPlan,
  hooks: BackupHooks,
): Promise<SentSource> {
  const { signal, origin, waits, note, onProgress } = hooks
  const opening = openSource(plan.source, { type: plan.type, waits, signal }).catch((error: unknown) => {
    throw hooks.onSourceFailed?.(error) ?? error
  })
  // Whatever fails first is told; the source is closed below in any case.
  opening.catch(() => {})
  try {
    const opened = await engine
    return await sendSource(plan, opening, {
      ...opened,
      ...{ signal, origin, note, onProgress },
      onOpened: async source => {
        if (hooks.onEstimate === undefined) return
        const { messagesPerMinute } = opened.client
        const estimate = estimateSource(source, {
          partSizeBytes: opened.config.partSizeBytes,
          ...{ messagesPerMinute, bytesPerSecond: plan.bytesPerSecond },
        })
        if (estimate !== undefined) hooks.onEstimate(estimate, { messagesPerMinute })
      },
    })
  } finally {
    // Also of a source that nothing was read from.
    await opening.then(
      source => source.close(),
      () => {},
    )
  }
}

/** What is to go on. */
export interface ResumeRequest {
  /** Whole, or its first eight characters. */
  id: string
  /** Where the file is now; left out, where it was. */
  path?: string | undefined
  expiresAt?: Date | undefined
  bytesPerSecond?: number | undefined
}

/**
 * How to go on with a send of a file whose process died, or to send the file anew when it has changed. What
 * the dead run left in doubt is settled first. Throws `NOT_FOUND`, `USAGE` for what cannot go on, and
 * `CONFLICT` while somebody works on it.
 */
export async function planResume(
  engine: Omit<Engine, 'service'>,
  request: ResumeRequest,
  { signal, note }: Watching,
): Promise<SendPlan> {
  const { id: backupId } = await findBackup(engine.database, request.id)
  await reconcileBeforeSend({ ...engine, signal, note, resuming: backupId })
  const found = await findBackup(engine.database, backupId)
  const { source, chat_id: chat, caption } = found
  const again = recordedKind(source)?.resume
  if (found.state !== 'failed' || source === null || again === undefined) throw nothingToResume(found)
  const choice = again.chooseAgain(source, request.path)
  const session = await openSession({ ...engine, signal })
  const resume = await resumeSend(session, found, await again.look(choice))
  return {
    project: found.project_id,
    type: found.type,
    source: choice,
    filename: typeof source['filename'] === 'string' ? source['filename'] : undefined,
    caption: caption ?? undefined,
    chat: chat ?? undefined,
    expiresAt: request.expiresAt ?? found.expires_at,
    bytesPerSecond: request.bytesPerSecond,
    ...(resume && { resume }),
  }
}

function nothingToResume({ id, state, source }: { id: string; state: string; source: unknown }): BackupError {
  const why = state === 'failed' ? 'only a file can be read again from its beginning' : `it is ${state}`
  return new BackupError(`Backup ${id} cannot go on: ${why}`, {
    code: state === 'sending' ? 'CONFLICT' : 'USAGE',
    hint:
      state === 'failed' && source !== null
        ? 'Send it anew.'
        : hint`${run('show', 'ID')} tells what became of it.`,
  })
}
