import { announce, type Database } from '@telegram-backup/database'
import type { ConfigFile } from '#config/config-file.ts'
import { RETENTION_NOTICE } from '#config/notification-settings.ts'
import type { Logger } from '#logging.ts'
import type { RetentionAnnouncer } from '#retention/run-retention.ts'

/**
 * Announces retention: everything to the log, and to the webhook what a person can still act on: backups with
 * a notice period, and backups that wait for a confirmation.
 */
export function retentionAnnouncer(of: {
  database: Database
  configFile: Pick<ConfigFile, 'notifications' | 'retention'>
  log: Logger
}): RetentionAnnouncer {
  const { database, configFile, log } = of
  const hasWebhook = (): boolean => {
    const { webhook, leftOut } = configFile.notifications()
    return webhook !== null && !leftOut.webhook.includes(RETENTION_NOTICE)
  }
  const hasNotice = (): boolean => configFile.retention.noticeMs > 0
  return {
    get noticeMs() {
      return configFile.retention.noticeMs
    },
    get untilDelivered() {
      return hasWebhook() && hasNotice()
    },
    announce: async ({ kind, text, details }) => {
      log.info({ kind, details }, text)
      const [noticeId = null] = await announce(database, {
        channels: hasWebhook() && (hasNotice() || details.needs_word.length > 0) ? ['webhook'] : [],
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
