import type { Readable } from 'node:stream'
import { DEFAULT_PART_SIZE_BYTES } from '@telegram-backup/archive'
import type { SkippedFile } from '@telegram-backup/connectors/allowances.ts'
import type { OpenedSource, SourceChoice } from '@telegram-backup/connectors/connector.ts'
import { connectorOf, openSource, recordedKind } from '@telegram-backup/connectors/registry.ts'
import type { Backup, BackupOrigin, BackupType, Database } from '@telegram-backup/database'
import { BackupError, type DescribedError, hint, run } from '@telegram-backup/errors'
import { reconcileBeforeSend } from '@telegram-backup/vault/reconcile/before-send.ts'
import { resumeSend } from '@telegram-backup/vault/reconcile/resume-send.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { type IBackupService, sendAndRecord } from '@telegram-backup/vault/send/send-and-record.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { mayBeResumed } from '@telegram-backup/vault/session/resumable.ts'
import {
  type CallWait,
  estimateSend,
  type ResumedSend,
  type SendEstimate,
  type SendProgress,
} from 'telegram-deployment-bot'
import { failureBefore, warningsBefore } from '#backup/before-send.ts'
import type { SendPlan } from '#backup/send-plan.ts'
import { clockDifference } from '#clock-check.ts'
import type { Engine, Watching } from '#engine.ts'
import { findBackup } from '#operations/find-backup.ts'
import { betweenHooks } from '#source-hooks/between-hooks.ts'
import type { HookLine } from '#source-hooks/hook-commands.ts'

export type { CallWait, HookLine, IntegratedBackupResult, SendEstimate, SendPlan, SendProgress }
export { failureBefore, warningsBefore }

/** The result of a backup; of a directory also the files that are missing or torn in it. */
export interface SentSource extends IntegratedBackupResult {
  skipped?: readonly SkippedFile[]
  /** Why the hook `after` of the source failed; the backup is as the rest of the result says. */
  afterError?: DescribedError
}

/** What bounds a send besides the line. */
export interface SendPace {
  /** 0 = no pace. */
  messagesPerMinute: number
  /** Of a part as sent, at most. */
  partSizeBytes: number
}

export interface BackupHooks extends Watching {
  /** The source, the schedule and the job that it comes from; for the record. The plan names the tags. */
  origin: Omit<BackupOrigin, 'tags'>
  /** Whether to wait for the writer of a FIFO that stands for a file; if not, a FIFO is refused. */
  waits: boolean
  /** Replaces the error of a source that cannot be opened or read. */
  onSourceFailed?: (error: unknown) => unknown
  /**
   * Called before the first byte is sent, with the longest time that it takes; without one when its size is
   * unknown.
   */
  onEstimate?: (estimate: SendEstimate | undefined, of: SendPace) => void
  onProgress: (progress: SendProgress) => void
  /** Called when the send has ended well, before the hook `after`. */
  onSent?: (backup: Backup) => void
  /** Gets what the hooks of the source print, and how they end. */
  onHookLine: (line: HookLine) => void
}

/**
 * Backs up a source: opens it, reconciles what abandoned runs left, sends and records. The source starts
 * while the engine still opens; one with hooks starts after `before`, and is closed before `after`. Resolves
 * also when the send fails. Rejects when the engine or the source cannot be opened, or `before` fails.
 */
export async function backup(
  engine: Engine | Promise<Engine>,
  plan: SendPlan,
  hooks: BackupHooks,
): Promise<SentSource> {
  if (plan.hooks === undefined) {
    return await sendSource(plan, hooks, async () => await prepared(await engine, hooks))
  }
  // All that can fail or take long without the source comes first: a file system may be frozen meanwhile.
  const ready = await prepared(await engine, hooks)
  const { project, type } = plan
  const facts = { source: hooks.origin.sourceName ?? '', project, type }
  return await betweenHooks({ database: ready.database, facts, hooks: plan.hooks }, hooks, () =>
    sendSource(plan, hooks, async () => ready),
  )
}

async function prepared(engine: Engine, { signal, note }: Watching): Promise<Engine> {
  await reconcileBeforeSend({ ...engine, signal, note })
  // A catalog that does not answer fails the send itself.
  const clocks = await clockDifference(engine.database).catch(() => undefined)
  if (clocks !== undefined) note(`warning: ${clocks}`)
  return engine
}

async function sendSource(
  plan: SendPlan,
  hooks: BackupHooks,
  prepare: () => Promise<Engine>,
): Promise<SentSource> {
  const { signal, origin, waits, onProgress } = hooks
  const opening = openSource(plan.source, { type: plan.type, waits, signal }).catch((error: unknown) => {
    throw hooks.onSourceFailed?.(error) ?? error
  })
  // The engine may fail first; then nobody waits for the source.
  opening.catch(() => {})
  try {
    const opened = await prepare()
    const source = placed(await opening, plan)
    announceEstimate(source, { engine: opened, plan, hooks })
    // More people can read the catalog than may know the place of a source. The caller gets the whole error.
    const redactFailure = await connectorOf(plan.source).hideSource?.(plan.source, origin.sourceName)
    const { project: projectId, type, expiresAt: expires_at, filename, caption, chat: chatId, resume } = plan
    const { tags } = plan
    const result = await sendAndRecord(opened, {
      ...{ projectId, type, file: source, expires_at, filename, caption, chatId, resume },
      ...{ origin: { ...origin, tags }, redactFailure, signal, onProgress },
    })
    if (result.success && result.databaseRecord) hooks.onSent?.(result.databaseRecord)
    const { skipped = [] } = source
    return skipped.length === 0 ? result : { ...result, skipped }
  } finally {
    await opening.then(
      source => source.close(),
      () => {},
    )
  }
}

/** Names the group in the facts of the source, which the catalog and the manifest keep. */
function placed(source: OpenedSource, { group }: SendPlan): OpenedSource {
  return group === undefined ? source : { ...source, facts: { ...source.facts, group: { ...group } } }
}

function paceOf({ client, config }: Pick<Engine, 'client' | 'config'>): SendPace {
  const { partSizeBytes = DEFAULT_PART_SIZE_BYTES } = config
  return { messagesPerMinute: client.messagesPerMinute, partSizeBytes }
}

function announceEstimate(
  { sizeBytes, estimatedBytes }: OpenedSource,
  { engine, plan, hooks }: { engine: Engine; plan: SendPlan; hooks: BackupHooks },
): void {
  const archiveBytes = sizeBytes ?? estimatedBytes
  const pace = paceOf(engine)
  const { bytesPerSecond } = plan
  hooks.onEstimate?.(
    archiveBytes === undefined ? undefined : estimateSend({ archiveBytes, bytesPerSecond, ...pace }),
    pace,
  )
}

/** Bytes that come from outside, to be backed up as they come. */
export interface Upload {
  projectId: string
  type: BackupType
  filename: string | undefined
  body: Readable
}

/** Backs up an upload. Resolves also when it fails; then nothing of it stays in the chat. */
export async function backupUpload(
  engine: { database: Database; service: IBackupService },
  { projectId, type, filename, body }: Upload,
  hooks: Pick<BackupHooks, 'origin' | 'signal' | 'onProgress'>,
): Promise<IntegratedBackupResult> {
  return await sendAndRecord(engine, { projectId, type, filename, file: body, ...hooks })
}

export interface ResumeRequest {
  /** Whole, or its first eight characters. */
  id: string
  /** Where the file is now; by default, where it was. */
  path?: string | undefined
  expiresAt?: Date | undefined
  bytesPerSecond?: number | undefined
}

/**
 * Plans to continue the interrupted send of a file, or to send it again when the file has changed. What the
 * abandoned run left unclear is reconciled first. Throws `NOT_FOUND`, `USAGE` for a backup that cannot be
 * continued, and `CONFLICT` while another process works on it.
 */
export async function planResume(
  engine: Omit<Engine, 'service'>,
  request: ResumeRequest,
  { signal, note }: Watching,
): Promise<SendPlan> {
  if (/^latest\b/.test(request.id)) {
    throw new BackupError('"latest" is a complete backup, which has nothing to continue', {
      code: 'USAGE',
      hint: hint`Give the id of the interrupted one; ${run('list', { state: 'failed' })} shows it.`,
    })
  }
  const { id: backupId } = await findBackup(engine.database, request.id)
  await reconcileBeforeSend({ ...engine, signal, note, resuming: backupId })
  const found = await findBackup(engine.database, backupId)
  const { source, chat_id: chat, caption } = found
  const again = recordedKind(source)?.resume
  if (found.state !== 'failed' || source === null || again === undefined) throw nothingToResume(found)
  const choice = again.chooseAgain(source, request.path)
  return {
    project: found.project_id,
    type: found.type,
    source: choice,
    filename: typeof source['filename'] === 'string' ? source['filename'] : undefined,
    caption: caption ?? undefined,
    sourceName: found.source_name ?? undefined,
    tags: found.tags,
    chat: chat ?? undefined,
    expiresAt: request.expiresAt ?? found.expires_at,
    bytesPerSecond: request.bytesPerSecond,
    resume: await resumed(engine, found, { choice, signal }),
  }
}

/** The plan of another attempt: it continues the earlier one where that left parts of a file in the chat. */
export async function planRetry(
  engine: Omit<Engine, 'service'>,
  { plan, earlier }: { plan: SendPlan; earlier: Backup | null },
  { signal }: Pick<Watching, 'signal'>,
): Promise<SendPlan> {
  if (earlier === null || !mayBeResumed(earlier)) return plan
  const resume = await resumed(engine, earlier, { choice: plan.source, signal })
  return resume === undefined
    ? plan
    : { ...plan, resume, chat: earlier.chat_id ?? plan.chat, tags: earlier.tags }
}

/** Undefined when the backup has to be sent from its beginning. */
async function resumed(
  engine: Omit<Engine, 'service'>,
  backup: Backup,
  { choice, signal }: { choice: SourceChoice; signal: AbortSignal },
): Promise<ResumedSend | undefined> {
  const again = connectorOf(choice).resume
  if (again === undefined) return undefined
  return await resumeSend(await openSession({ ...engine, signal }), backup, await again.look(choice))
}

function nothingToResume({ id, state, source }: { id: string; state: string; source: unknown }): BackupError {
  const why = state === 'failed' ? 'only a file can be read again from its beginning' : `it is ${state}`
  return new BackupError(`Backup ${id} cannot be continued: ${why}`, {
    code: state === 'sending' ? 'CONFLICT' : 'USAGE',
    hint:
      state === 'failed' && source !== null ? 'Send it again.' : hint`${run('show', 'ID')} shows its state.`,
  })
}
