import { statfs } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import {
  type Database,
  type DeclaredDrill,
  type DeliverJob,
  declareDrills,
  type Job,
  planDrill,
} from '@telegram-backup/database'
import { whatItIs } from '#backup/send-plan.ts'
import type { ConfigFile } from '#config/config-file.ts'
import { DEFAULT_DRILL_WITHIN_MS, mayOpenBackups, readDrillWithin } from '#config/drill-wishes.ts'

import type { LiveConfigFile } from '#config/live-config-file.ts'
import { renewedPart } from '#config/renewed-part.ts'
import { chooseSource } from '#config/source-settings.ts'
import type { Config } from '#environment.ts'
import type { Logger } from '#logging.ts'

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
 * processes may do this on one catalog. A process without a key only declares what its file wants.
 */
export function startDrills(context: DrillsContext): ServicePart {
  const { config, configFile, log } = context
  return renewedPart({
    configFile,
    settings: () => declaredDrills(configFile, config),
    start: declared => {
      if (declared.length === 0) return undefined
      const limits = declared.flatMap(({ within_ms }) => within_ms ?? [])
      const everyMs = Math.max(SHORTEST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, ...limits.map(ms => ms / 20)))
      return repeatUntilStopped({
        work: async () => {
          const job = await drillOnce(context, declared)
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

/** One round: submits the drill that is due now, if any. */
async function drillOnce(
  { config, configFile, database, deliver }: DrillsContext,
  declared: readonly DeclaredDrill[],
): Promise<Job | undefined> {
  if (!mayOpenBackups(config)) {
    await declareDrills(database, declared)
    return undefined
  }
  const machine = await lookAtMachine(config)
  const rules = {
    messagesPerHour: configFile.verification.messagesPerHour,
    isElsewhere: ({ source_name }: { source_name: string }) =>
      configFile.sourceNames.includes(source_name) && configFile.source(source_name).drill_on !== undefined,
  }
  return await planDrill(database, { declared, decide: facts => planDrills(facts, machine, rules), deliver })
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

/**
 * What the file wants of each source that it can say the project of. Without a word in the file, drills are
 * made where a key is; a process without one says nothing then, since another one may have it.
 */
export function declaredDrills(
  { sourceNames, source, verification }: Pick<ConfigFile, 'sourceNames' | 'source' | 'verification'>,
  config: Pick<Config, 'identityFile' | 'encryption'>,
): DeclaredDrill[] {
  const byDefault = mayOpenBackups(config) ? DEFAULT_DRILL_WITHIN_MS : undefined
  return sourceNames.flatMap(name => {
    try {
      const settings = source(name)
      const { project: project_id, type } = whatItIs(settings)
      const own = settings.drill_within === undefined ? undefined : readDrillWithin(settings.drill_within)
      const { drillWithinMs } = verification
      const wanted = own === undefined ? (drillWithinMs === undefined ? byDefault : drillWithinMs) : own
      const isDrillable = type === 'database' || connectorOf(chooseSource(settings)).drill !== undefined
      const within_ms = isDrillable ? wanted : null
      return within_ms === undefined ? [] : [{ project_id, type, source_name: name, within_ms }]
    } catch {
      // Its jobs report what is wrong with it.
      return []
    }
  })
}
