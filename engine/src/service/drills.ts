import { statfs } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import {
  type Database,
  type DeliverJob,
  type Job,
  planDrill,
  type SourcePlace,
} from '@telegram-backup/database'
import { mayOpenBackups } from '#config/drill-wishes.ts'
import type { LiveConfigFile } from '#config/live-config-file.ts'
import { renewedPart } from '#config/renewed-part.ts'
import type { Config } from '#environment.ts'
import type { Logger } from '#logging.ts'
import { declaredSources } from '#monitoring/declared-places.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'
import type { ServicePart } from '#service-part.ts'
import { type DrillMachine, planDrills } from '#verification/plan-drills.ts'

/** The longest pause between two rounds; with a short limit, a twentieth of it. */
const LONGEST_PAUSE_MS = 10 * 60_000
const SHORTEST_PAUSE_MS = 1_000

interface DrillsContext {
  config: Config
  configFile: LiveConfigFile
  database: Database
  deliver: DeliverJob
  log: Logger
}

/**
 * Submits drills until it is stopped, so that each source has a proof within its time. Any number of
 * processes may do this on one catalog. A process without a key only keeps the plans.
 */
export function startDrills(context: DrillsContext): ServicePart {
  const { config, configFile, log } = context
  return renewedPart({
    configFile,
    settings: () => wishesOf(configFile, config),
    start: wishes => {
      const limits = wishes.map(({ within_ms }) => within_ms)
      const everyMs = Math.max(SHORTEST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, ...limits.map(ms => ms / 20)))
      return repeatUntilStopped({
        work: async () => {
          const job = await drillOnce(context, wishes)
          if (job !== undefined) log.info({ job_id: job.id, source: job.source }, 'a backup will be drilled')
          return undefined
        },
        everyMs,
        // A service that restarts again and again does not start with this each time.
        firstAfterMs: everyMs / 10,
        log,
        failed: 'what is to be drilled could not be chosen',
      })
    },
    log,
  })
}

interface Wish extends SourcePlace {
  within_ms: number
}

function wishesOf(file: LiveConfigFile, config: Config): Wish[] {
  return declaredSources(file, config).flatMap(
    ({ name: source_name, project_id, type, drill_within_ms: within_ms }) =>
      project_id === null || type === null || within_ms === null
        ? []
        : [{ project_id, type, source_name, within_ms }],
  )
}

/** One round: submits the drill that is due now, if any. */
async function drillOnce(
  { config, configFile, database, deliver }: DrillsContext,
  wishes: readonly SourcePlace[],
): Promise<Job | undefined> {
  const machine = await lookAtMachine(config)
  const rules = {
    messagesPerHour: configFile.verification.messagesPerHour,
    isElsewhere: ({ source_name }: { source_name: string }) =>
      configFile.sourceNames.includes(source_name) && configFile.source(source_name).drill_on !== undefined,
  }
  return await planDrill(database, {
    own: mayOpenBackups(config) ? wishes : [],
    decide: facts => planDrills(facts, machine, rules),
    deliver,
  })
}

async function lookAtMachine({ stateFolder }: Pick<Config, 'stateFolder'>): Promise<DrillMachine> {
  // A folder that is not there yet is made by the drill, which looks at the disk itself.
  const disk = await statfs(stateFolder).catch(() => undefined)
  const [load = 0] = loadavg()
  return {
    freeBytes: disk === undefined ? Number.POSITIVE_INFINITY : disk.bavail * disk.bsize,
    loadPerCore: load / availableParallelism(),
  }
}
