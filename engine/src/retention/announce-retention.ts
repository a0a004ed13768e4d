import { announce, type Database } from '@telegram-backup/database'
import type { ConfigFile } from '#config/config-file.ts'
import { RETENTION_NOTICE } from '#config/notification-settings.ts'
import type { Logger } from '#logging.ts'
import type { RetentionAnnouncer } from '#retention/run-retention.ts'

/**
 * How a service tells of retention: to the log at once, and to the webhook, as soon as that takes it, what
 * somebody may still act upon: what goes after a time of notice, and what waits for a word.
 */
export function retentionAnnouncer(of: {
  database: Database
  configFile: Pick<ConfigFile, 'notifications' | 'retention'>
  log: Logger
}): RetentionAnnouncer {
  const { database, configFile, log } = of
  const isHeard = (): boolean => {
    const { webhook, leftOut } = configFile.notifications()
    return webhook !== null && !leftOut.webhook.includes(RETENTION_NOTICE)
  }
  const hasNotice = (): boolean => configFile.retention.noticeMs > 0
  return {
    get noticeMs() {
      return configFile.retention.noticeMs
    },
    get untilDelivered() {
      return isHeard() && hasNotice()
    },
    announce: async ({ kind, text, details }) => {
      log.info({ kind, details }, text)
      const [noticeId = null] = await announce(database, {
        channels: isHeard() && (hasNotice() || details.needs_word.length > 0) ? ['webhook'] : [],
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
