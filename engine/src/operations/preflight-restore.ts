import { restoreOf } from '@telegram-backup/connectors/registry.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { countMissingFiles } from '@telegram-backup/database/missing-files'
import { BackupError } from '@telegram-backup/errors'
import type { TargetSettings } from '#config/config-file-schema.ts'
import type { Engine } from '#engine.ts'
import { errorOfJob } from '#jobs/job-errors.ts'
import { restoreTimeOf } from '#proof/restore-time.ts'
import { askForPlan, type RestorePlan, type RestoreStep } from '#restore/ask-for-plan.ts'
import { BackupContents } from '#restore/contents.ts'
import { fetchSeconds, replacedBy, wayOf } from '#restore/plan-words.ts'
import { assertRestorable, requestedWishes, targetIn } from '#restore/restore-target.ts'

/** What a restore into a named target would do now, without names of its server. Sizes are bytes. */
export interface RestorePreflight {
  /** Bytes to fetch from the chat, in so many parts. */
  fetches: number
  parts: number
  /** Plain bytes to write. */
  writes: number
  /** An estimate; null when nobody knows. */
  takes_seconds: number | null
  /** What the estimate is: measured by drills, or as long as the send took; null without one. */
  takes_from: 'drill' | 'send' | null
  /** When the drill was. */
  takes_measured_at: Date | null
  /** Its name in telegram-backup.yaml. */
  target: string
  /** How the target is written; null when the restore cannot begin. */
  way: string | null
  /** What is there now and would be replaced; null for nothing. */
  replaces: string | null
  problems: PreflightProblem[]
}

export interface PreflightProblem {
  /** As of an error; a warning has `WARNING`. */
  code: string
  text: string
  hint?: string | undefined
  /** The restore would fail. */
  blocks: boolean
}

interface PreflightRequest {
  backup: BackupDetails
  /** The name of the target, and its settings in telegram-backup.yaml. */
  name: string
  settings: TargetSettings
  overwrite: boolean
}

/**
 * Looks at the target as a restore does before it begins, and changes nothing. What would stop the restore
 * is a problem of the answer, not an error. Throws `CONFIGURATION` for a target without a place.
 */
export async function preflightRestore(
  engine: Engine,
  { backup, name, settings, overwrite }: PreflightRequest,
  { signal, note }: { signal: AbortSignal; note: (line: string) => void },
): Promise<RestorePreflight> {
  const target = await targetIn(settings)
  const hide = (await restoreOf(target).hideTarget?.(target, name)) ?? ((error: unknown) => error)
  const problems: PreflightProblem[] = warningsOf(backup)
  const attempt = async <Result>(work: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await work()
    } catch (error) {
      const { code, message, hint } = errorOfJob(hide(signal.aborted ? tooLate(name) : error))
      problems.push({ code, text: message, hint, blocks: true })
      return undefined
    }
  }
  const plan = await attempt(async () => {
    assertRestorable(backup, target)
    return await askForPlan(target, backup, {
      wishes: requestedWishes(overwrite),
      config: engine.config,
      signal,
    })
  })
  await attempt(() =>
    BackupContents.open(backup, { ...engine, catalog: async () => engine.database, note, signal }),
  )
  problems.push(...(plan?.steps ?? []).flatMap(warningOf))
  return {
    fetches: backup.archive_size ?? backup.size,
    parts: backup.part_count ?? 1,
    writes: backup.size,
    ...(await estimateFor(engine, backup)),
    target: name,
    ...describe(plan, name),
    problems,
  }
}

async function estimateFor(
  { database }: Engine,
  backup: BackupDetails,
): Promise<Pick<RestorePreflight, 'takes_seconds' | 'takes_from' | 'takes_measured_at'>> {
  const measured = await restoreTimeOf(database, backup)
  if (measured !== null) {
    const { seconds, measured_at } = measured
    return { takes_seconds: seconds, takes_from: 'drill', takes_measured_at: measured_at }
  }
  const seconds = fetchSeconds(backup)
  return { takes_seconds: seconds, takes_from: seconds === null ? null : 'send', takes_measured_at: null }
}

function tooLate(name: string): BackupError {
  return new BackupError(`The target ${name} did not answer in time`, {
    code: 'TIMEOUT',
    hint: 'Check whether its server is there; the log of serve says more.',
  })
}

function describe(plan: RestorePlan | undefined, name: string): Pick<RestorePreflight, 'way' | 'replaces'> {
  if (plan === undefined) return { way: null, replaces: null }
  const { makes, steps } = plan
  const written = steps.find(step => step.does === 'write' || step.does === 'move in')
  return {
    way: written === undefined ? null : wayOf(makes, { ...written, name }),
    replaces: replacedBy({ makes, steps }),
  }
}

function warning(text: string): PreflightProblem {
  return { code: 'WARNING', text, blocks: false }
}

function warningsOf(backup: BackupDetails): PreflightProblem[] {
  const missing = countMissingFiles(backup)
  return [
    ...(backup.damaged_at === null ? [] : [warning('The backup was found damaged; see its verifications')]),
    ...(missing === 0 ? [] : [warning(`Files that the backup lacks, or that are torn: ${missing}`)]),
  ]
}

function warningOf(step: RestoreStep): PreflightProblem[] {
  switch (step.does) {
    case 'warn':
      return [warning(step.problem)]
    case 'run as':
      return [warning('Code in the backup runs with more rights on the target than it needs')]
    case 'replace':
      return step.sessions === 0
        ? []
        : [warning(`Sessions on the target that will be ended: ${step.sessions}`)]
    default:
      return []
  }
}
