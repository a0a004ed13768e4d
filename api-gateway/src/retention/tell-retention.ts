import { announce, type Database } from '@telegram-backup/database'
import type { ConfigFile } from '#config-file.ts'
import type { Logger } from '#logging.ts'
import type { RetentionTelling } from '#retention/run-retention.ts'

/** How a service tells of retention: to the log at once, and to the webhook as soon as that takes it. */
export function retentionTelling(of: {
  database: Database
  configFile: Pick<ConfigFile, 'notifications' | 'retention'>
  log: Logger
}): RetentionTelling {
  const { database, configFile, log } = of
  const hasWebhook = (): boolean => configFile.notifications().webhook !== null
  return {
    get noticeMs() {
      return configFile.retention.noticeMs
    },
    get untilTold() {
      return hasWebhook()
    },
    tell: async ({ kind, text, details }) => {
      log.info({ kind, details }, text)
      const [noticeId = null] = await announce(database, {
        channels: hasWebhook() ? ['webhook'] : [],
        notice: {
          event: 'notice',
          kind,
          project: null,
          type: null,
          source: null,
          text,
          at: new Date().toISOString(),
          details,
        },
      })
      return noticeId
    },
  }
}
