import { readConfigFile } from '#config/config-file.ts'
import type { Finding } from '#doctor/check.ts'
import type { Config } from '#environment.ts'

/**
 * Whether anybody would be told when something is wrong. Calls nobody; `notify-test` does. Throws
 * `CONFIGURATION` for what the file says of it.
 */
export async function checkNotifications(config: Config): Promise<Finding> {
  // What is wrong with the file, its own check says.
  const file = await readConfigFile(config).catch(() => undefined)
  if (file === undefined) {
    return {
      message: 'not known while telegram-backup.yaml cannot be used',
      warning: 'Mend first what "sources" says.',
    }
  }
  const { chat, webhook, heartbeat } = file.notifications()
  const channels = [
    ...(chat === 'vault' && config.chatId !== undefined ? ['the chat of the backups'] : []),
    ...(chat !== null && chat !== 'vault' ? ['another chat'] : []),
    ...(webhook === null ? [] : [`a webhook at ${webhook.host}`]),
  ]
  const watched =
    heartbeat === null
      ? 'no heartbeat, so that nobody notices when this machine is gone'
      : `a heartbeat to ${heartbeat.host}`
  if (channels.length > 0) return { message: `serve tells ${channels.join(' and ')}; ${watched}` }
  return {
    message: `nobody is told when something is wrong; ${watched}`,
    warning:
      'Set notifications.chat, notifications.webhook or notifications.heartbeat in telegram-backup.yaml.',
  }
}
