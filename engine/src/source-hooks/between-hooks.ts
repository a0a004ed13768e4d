import { beginHookRun, type Database, endHookRun } from '@telegram-backup/database'
import { type BackupError, type DescribedError, describeError } from '@telegram-backup/errors'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import type { HookCommand } from '#config/hook-settings.ts'
import type { Watching } from '#engine.ts'
import {
  type HookFacts,
  type HookLine,
  type HookOutcome,
  runHookCommands,
} from '#source-hooks/hook-commands.ts'

/** The programs around a backup of a source; the configuration file alone names them. */
export interface SourceHooks {
  before: readonly HookCommand[]
  after: readonly HookCommand[]
}

/** What the hooks learn of the work between them. */
type HookedWork = Pick<IntegratedBackupResult, 'success' | 'databaseRecord' | 'telegramMetadata' | 'code'>

export interface HookWatching extends Watching {
  onHookLine: (line: HookLine) => void
}

/**
 * Runs `before`, the work, and `after`, which runs in each case once `before` has begun: also when `before`
 * or the work failed or was cancelled. An earlier run of the source that died on this machine before its
 * `after` had ended is made up for first. A failed `after` changes no backup; the result names it.
 *
 * Throws `HOOK` when `before` fails, `BUSY` while another process runs the hooks of the source, and what the
 * work throws.
 */
export async function betweenHooks<Result extends HookedWork>(
  { database, facts, hooks }: { database: Database; facts: Omit<HookFacts, 'outcome'>; hooks: SourceHooks },
  watching: HookWatching,
  work: () => Promise<Result>,
): Promise<Result & { afterError?: DescribedError }> {
  const { signal, note, onHookLine: onLine } = watching
  const { source } = facts
  // Neither Ctrl-C nor a stop of the service ends it: it undoes what `before` did. It has its own time limit.
  const runAfter = (outcome: HookOutcome): Promise<BackupError | undefined> =>
    runHookCommands(hooks.after, {
      stage: 'after',
      facts: { ...facts, outcome },
      signal: new AbortController().signal,
      onLine,
    })

  const run = await beginHookRun(database, source)
  const end = async (): Promise<void> => {
    await endHookRun(database, run).catch((error: unknown) => {
      note(`warning: the next run repeats the hook "after" of ${source}: ${describeError(error).message}`)
    })
  }
  if (run.interruptedSince !== null) {
    note(
      `warning: the run of ${source} that began at ${run.interruptedSince.toISOString()} ended before its hook "after"; running "after" now`,
    )
    const failure = await runAfter({ state: 'failed', errorCode: 'INTERRUPTED' })
    if (failure !== undefined) note(`warning: ${failure.message}`)
  }
  let result: Result
  try {
    const failure = await runHookCommands(hooks.before, { stage: 'before', facts, signal, onLine })
    if (failure !== undefined) throw signal.aborted ? cancelled() : failure
    result = await work()
  } catch (error) {
    const failure = await runAfter(outcomeOfError(error, signal))
    if (failure !== undefined) note(`warning: ${failure.message}`)
    await end()
    throw error
  }
  const afterError = await runAfter(outcomeOf(result, signal))
  await end()
  return afterError === undefined ? result : { ...result, afterError: describeError(afterError) }
}

function outcomeOf(result: HookedWork, signal: AbortSignal): HookOutcome {
  const { success, databaseRecord, telegramMetadata, code } = result
  if (success) return { state: 'complete', backupId: databaseRecord?.id ?? telegramMetadata?.id }
  return { state: code === 'CANCELLED' || signal.aborted ? 'cancelled' : 'failed', errorCode: code }
}

function outcomeOfError(error: unknown, signal: AbortSignal): HookOutcome {
  const { code } = describeError(error)
  return { state: code === 'CANCELLED' || signal.aborted ? 'cancelled' : 'failed', errorCode: code }
}
