import type { Database } from '@telegram-backup/database'
import type { LiveConfigFile } from '#config/live-config-file.ts'
import type { Logger } from '#logging.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'
import { describeUnserved } from '#schedules/unserved-sources.ts'
import type { ServicePart } from '#service-part.ts'

const EVERY_MS = 5_000

/** Notices changes of `telegram-backup.yaml` within seconds. Warns of schedules whose source is gone. */
export function startConfigWatch(of: {
  configFile: LiveConfigFile
  database: Database
  log: Pick<Logger, 'info' | 'warn'>
}): ServicePart {
  const { configFile, database, log } = of
  const forget = configFile.onChange(() => {
    void describeUnserved(database, configFile.sourceNames).then(
      words => words !== undefined && log.warn(words),
      // Other parts report an outage of the catalog.
      () => {},
    )
  })
  const watching = repeatUntilStopped({
    work: async () => {
      await configFile.reread()
      return undefined
    },
    everyMs: EVERY_MS,
    firstAfterMs: EVERY_MS,
    log,
    failed: 'the configuration file was not checked',
  })
  return {
    stop: async () => {
      forget()
      await watching.stop()
    },
  }
}
