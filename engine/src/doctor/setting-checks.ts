import { CatalogError, describeScratchServer } from '@telegram-backup/database'
import { describeError, hint, option } from '@telegram-backup/errors'
import { planNamedSource } from '#backup/named-source.ts'
import { readConfigFile } from '#config/config-file.ts'
import { mayOpenBackups } from '#config/drill-wishes.ts'
import type { CheckScope, Finding } from '#doctor/check.ts'
import { assertDrillTarget } from '#proof/drill-settings.ts'

/** The sources and targets of telegram-backup.yaml. Throws `CONFIGURATION` for a wrong file or source. */
export async function checkConfigFile({ config }: Pick<CheckScope, 'config'>): Promise<Finding> {
  const file = await readConfigFile(config)
  const { path, sourceNames, targetNames, warnings } = file
  if (path === undefined) return { message: 'no telegram-backup.yaml; none is needed without schedules' }
  // Finds here, and not in tonight's backup, a variable that is not set.
  for (const name of sourceNames) {
    await planNamedSource(name, file)
    assertDrillTarget(file, file.source(name))
  }
  const sources = sourceNames.length === 0 ? 'none' : sourceNames.join(', ')
  const targets = targetNames.length === 0 ? '' : `; targets ${targetNames.join(', ')}`
  return { message: `${sources} in ${path}${targets}`, warning: warnings[0] }
}

/**
 * Whether anybody gets a notification when something is wrong. Calls nobody; `notify-test` does. Throws
 * `CONFIGURATION` for wrong settings.
 */
export async function checkNotifications({ config }: Pick<CheckScope, 'config'>): Promise<Finding> {
  // The check of the file reports what is wrong with it.
  const file = await readConfigFile(config).catch(() => undefined)
  if (file === undefined) {
    return {
      message: 'not known while telegram-backup.yaml cannot be used',
      warning: 'First fix what "sources" reports.',
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
      ? 'no heartbeat, so nobody notices when this machine is gone'
      : `a heartbeat to ${heartbeat.host}`
  if (channels.length > 0) return { message: `serve notifies ${channels.join(' and ')}; ${watched}` }
  return {
    message: `nobody is notified when something is wrong; ${watched}`,
    warning:
      'Set notifications.chat, notifications.webhook or notifications.heartbeat in telegram-backup.yaml.',
  }
}

/**
 * Whether `serve` makes drills, and what a hostile dump could reach on their temporary server. Without a
 * server, a warning.
 */
export async function checkDrills({ config }: Pick<CheckScope, 'config'>): Promise<Finding> {
  try {
    const { account, isOwnAccount, isConfined } = describeScratchServer(config.stateFolder)
    const own = mayOpenBackups(config)
      ? 'serve drills by itself'
      : 'serve does not drill by itself, for want of a private key here'
    const message = `${own}; the temporary server runs as ${account}${isConfined ? ', and can open only its own folder (Landlock)' : ''}`
    if (isConfined || isOwnAccount) return { message }
    return {
      message,
      warning:
        hint`A hostile dump could make this server read the key file and the token, because it runs as your user. For ${option('trust-dump')}, use ${option('on')}, or a kernel and util-linux (2.40) with Landlock.`.toString(),
    }
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error
    const { message, hint: advice } = describeError(error)
    return { message, warning: advice ?? hint`Drill on a server of yours: ${option('on')}.`.toString() }
  }
}
