import { randomInt } from 'node:crypto'
import {
  type Backup,
  type Database,
  type JobProgress,
  listSchedules,
  queryBackups,
  type Schedule,
} from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import { planNamedSource } from '#backup/named-source.ts'
import type { SendPlan } from '#backup/send-plan.ts'
import type { Engine } from '#engine.ts'
import {
  type BackupHooks,
  backup,
  type SendEstimate,
  type SendPace,
  type SendProgress,
  type SentSource,
  warningsBefore,
} from '#operations/backup.ts'
import { backupGroup, isOfGroup } from '#operations/backup-group.ts'
import { openDrills } from '#operations/drill.ts'
import { addSchedule } from '#operations/schedules.ts'
import { type VerifyOutcome, verify } from '#operations/verify.ts'
import type { ReadHooks } from '#restore/contents.ts'
import type { Setup, SetupHooks, Staged } from '#setup/setup.ts'
import type { KnownSources } from '#setup/sources-stage.ts'
import { count } from '#units/human-units.ts'

/** How a caller follows the backups of a set-up and their proofs. */
export interface FirstBackupHooks extends SetupHooks, ReadHooks {
  /** The first backup of a source begins, with the longest time that it takes, if its size is known. */
  onEstimate(estimate: SendEstimate | undefined, pace: SendPace, of: { source: string }): void
  onSend(progress: SendProgress): void
  /** A program of the source, run before or after its backup, has printed a line. */
  onHookLine: BackupHooks['onHookLine']
  /** These backups are proven next, one after the other. */
  onProof(backups: readonly Backup[], of: { messagesPerMinute: number }): void
  /** `index` counts these backups from 0. */
  onVerify(progress: JobProgress, of: { index: number }): void
  /** Puts new schedules into the indexes in the chats; a failure is only noted. */
  updateIndexes(database: Database): Promise<void>
  /** A progress that was shown is over. */
  onEnd(): void
}

/** A source after the set-up. */
export interface BackedUpSource {
  name: string
  project: string
  type: string
  /**
   * Its newest complete backup; undefined when the first one failed. A source that consists of several stands
   * here once for each of its first backups.
   */
  backup: Backup | undefined
  /** Why its first backup failed. */
  error?: unknown
  /** The proof that this run made. */
  proof?: VerifyOutcome | undefined
  schedule?: Schedule | undefined
}

/** Retention of a schedule that the set-up adds. */
const KEEP = { daily: 7, weekly: 4, monthly: 6 }
/** Most machines are idle from one to five at night. */
const FIRST_HOUR = 1
const LAST_HOUR = 4

/**
 * Backs up each source that has no complete backup yet. A source that fails does not stop the others. Throws
 * the failure of the first when no source has a backup.
 */
export async function sendFirstBackups(
  engine: Engine,
  { names, file }: KnownSources,
  hooks: FirstBackupHooks,
): Promise<Staged<BackedUpSource[]>> {
  const sources: BackedUpSource[] = []
  let sent = 0
  for (const name of names) {
    const plan = { ...(await planNamedSource(name, file)), sourceName: name }
    const source = { name, project: plan.project, type: plan.type }
    const there = await newestOf(engine, source)
    if (there !== undefined) {
      sources.push({ ...source, backup: there })
      continue
    }
    const made = await sendFirst(engine, plan, { ...hooks, source })
    sources.push(...made)
    sent += made.filter(({ backup: one }) => one !== undefined).length
    for (const { error } of made)
      if (error !== undefined)
        hooks.note(`warning: the source ${name} was not backed up: ${describeError(error).message}`)
  }
  const failed = sources.filter(({ backup: made }) => made === undefined)
  if (failed.length > 0 && failed.length === sources.length) throw failed[0]?.error
  return {
    state: failed.length > 0 ? 'open' : sent > 0 ? 'made' : 'there',
    message: `${sources.length - failed.length} of ${count(sources.length, 'source')} ${sources.length === 1 ? 'has' : 'have'} a complete backup`,
    result: sources,
  }
}

type NamedSource = Pick<BackedUpSource, 'name' | 'project' | 'type'>

/** One backup of a source, or one of each of its members. Throws only when the signal fires. */
async function sendFirst(
  engine: Engine,
  plan: SendPlan,
  { source, ...hooks }: FirstBackupHooks & { source: NamedSource },
): Promise<BackedUpSource[]> {
  const of = {
    ...{ signal: hooks.signal, note: hooks.note, onHookLine: hooks.onHookLine },
    ...{ origin: { sourceName: source.name }, waits: false },
    onEstimate: (estimate: SendEstimate | undefined, pace: SendPace) =>
      hooks.onEstimate(estimate, pace, { source: source.name }),
    onProgress: (progress: SendProgress) => hooks.onSend(progress),
  }
  try {
    for (const warning of await warningsBefore(plan, engine.config)) hooks.note(`warning: ${warning}`)
    const results = isOfGroup(plan)
      ? (await backupGroup(engine, plan, of)).members.map(({ sent }) => sent)
      : [await backup(engine, plan, of)]
    hooks.signal.throwIfAborted()
    return results.map(result => {
      const { databaseRecord: made } = result
      return { ...source, backup: made, error: made === undefined ? failureIn(result) : undefined }
    })
  } catch (error) {
    hooks.signal.throwIfAborted()
    return [{ ...source, backup: undefined, error }]
  } finally {
    hooks.onEnd()
  }
}

function failureIn({ error, code, hint, details }: SentSource): BackupError {
  const { telegramError, sourceFailed = false, refused = false } = details
  const words = sourceFailed || refused ? (telegramError ?? error) : error
  return new BackupError(words ?? 'The backup failed', { code, hint })
}

async function newestOf(
  { database }: Pick<Engine, 'database'>,
  { name, project, type }: NamedSource,
): Promise<Backup | undefined> {
  const { data } = await queryBackups(database, {
    ...{ projectId: project, type: type as Backup['type'], state: 'complete' },
  })
  return data.find(({ source_name, damaged_at }) => source_name === name && damaged_at === null)
}

/**
 * Restores each backup that nobody has read yet to a temporary place and compares it; without a key, compares
 * every byte with what was sent.
 * @param engine its `identityFile` decrypts the backups
 */
export async function proveBackups(
  engine: Engine,
  sources: readonly BackedUpSource[],
  hooks: FirstBackupHooks,
): Promise<Staged<BackedUpSource[]>> {
  const { signal, note } = hooks
  const { identityFile, encryption } = engine.config
  const request = { createRoles: false, trustDump: false }
  const canRestore = identityFile !== undefined || encryption === 'off'
  const drills = canRestore ? await openDrills(engine, request, hooks) : undefined
  const unproven = sources
    .map(({ backup: made }) => made)
    .filter(made => made !== undefined)
    .filter(({ verified_at }) => verified_at === null)
  hooks.onProof(unproven, { messagesPerMinute: engine.client.messagesPerMinute })
  const outcomes = await verify(
    engine,
    // Bytes are also read where a backup cannot be restored on this machine.
    { backups: unproven, readData: true, drills, isMany: true },
    { signal, note, onProgress: (progress, of) => hooks.onVerify(progress, of), onRead: () => hooks.onEnd() },
  )
  const proven = sources.map(source => ({
    ...source,
    proof: outcomes.find(outcome => outcome.backup.id === source.backup?.id),
  }))
  const made = proven.flatMap(({ proof }) => (proof === undefined ? [] : [proof]))
  const weak = made.filter(outcome => !isRestored(outcome)).length
  return {
    state: weak > 0 ? 'open' : made.length > 0 ? 'made' : 'there',
    message: wordsOf(made, weak, canRestore),
    result: proven,
  }
}

/** It was restored and is equal to its source, or it is one file of which every byte was read. */
export function isRestored(outcome: VerifyOutcome): boolean {
  if (!('report' in outcome) || outcome.report.state === 'damaged') return false
  const { drill } = outcome
  if (drill === undefined || drill === 'damaged' || !('state' in drill)) return false
  return drill.state === 'passed' || drill.state === 'nothing to restore'
}

function wordsOf(made: readonly VerifyOutcome[], weak: number, canRestore: boolean): string {
  if (made.length === 0) return 'every backup was read before, and every byte was right'
  if (weak === 0)
    return `${count(made.length, 'backup')} restored to a temporary place, and equal to the source`
  return canRestore
    ? `${weak} of ${count(made.length, 'backup')} could not be restored and compared; the reasons are below`
    : 'without a key file on this machine, nothing was restored; every byte was compared with what was sent'
}

/** Adds a schedule to each source that has none. */
export async function addSchedules(
  { answers, hooks }: { answers: Setup['answers']; hooks: FirstBackupHooks },
  { database }: Pick<Engine, 'database'>,
  { file, sources }: { file: KnownSources['file']; sources: readonly BackedUpSource[] },
): Promise<Staged<BackedUpSource[]>> {
  const present = await listSchedules(database)
  const timezone = new Intl.DateTimeFormat().resolvedOptions().timeZone
  const scheduled: BackedUpSource[] = []
  const added: Schedule[] = []
  for (const source of sources) {
    const there = [...present, ...added].find(schedule => schedule.source === source.name)
    const cron = answers.cron ?? nightly()
    const schedule =
      there ?? (await addSchedule(database, { source: source.name, cron, timezone, keep: KEEP }, file))
    if (there === undefined) added.push(schedule)
    scheduled.push({ ...source, schedule })
  }
  if (added.length > 0) await hooks.updateIndexes(database)
  return {
    state: added.length > 0 ? 'made' : 'there',
    message: [
      ...new Set(scheduled.map(({ name, schedule }) => `${name}: ${schedule?.cron} (${schedule?.timezone})`)),
    ].join('; '),
    result: scheduled,
  }
}

/** Each source at a time of its own: neither all of a machine nor all machines begin together. */
function nightly(): string {
  return `${randomInt(60)} ${randomInt(FIRST_HOUR, LAST_HOUR + 1)} * * *`
}
