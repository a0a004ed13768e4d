import { BackupError, type DescribedError, describeError } from '@telegram-backup/errors'
import { watchOwnership } from '@telegram-backup/vault/session/chat-ownership.ts'
import { TelegramError } from 'telegram-deployment-bot'
import type { ConfigFile } from '#config/config-file.ts'
import type { NotificationSettings } from '#config/notification-settings.ts'
import { renewedPart } from '#config/renewed-part.ts'
import { type Channels, openChannels } from '#monitoring/channels.ts'
import type { FileFault } from '#monitoring/conditions.ts'
import { declaredSources } from '#monitoring/declared-places.ts'
import { startHeartbeat } from '#monitoring/heartbeat.ts'
import type { ServiceMetrics } from '#monitoring/metrics.ts'
import { Watch } from '#monitoring/watch.ts'
import { scheduleInterval } from '#monitoring/watch-facts.ts'
import type { ServiceContext } from '#service/service-context.ts'
import type { ServicePart } from '#service-part.ts'

/** Starts the watch and the heartbeat. Throws `CONFIGURATION` for a wrong setting. */
export function startMonitoring(
  context: ServiceContext,
  {
    metrics,
    certificateFault,
  }: { metrics: ServiceMetrics; certificateFault: () => DescribedError | undefined },
): ServicePart {
  const { config, configFile, database, client, log } = context
  const settings = liveSettings(configFile)
  const channels = liveChannels(settings, { texts: client, vaultChatId: config.chatId })
  if (channels.names.length === 0)
    log.warn('no notifications are configured: problems only appear in this log')
  metrics.readFrom({
    database,
    intervalOf: scheduleInterval,
    own: () => ({ config, configFile, fault: configFile.fault }),
    log,
  })
  metrics.showDeclared(() => configFile.sourceNames)
  const assertOwnChat = watchOwnership({ database, client })
  const watch = Watch.start({
    database,
    channels,
    intervalOf: scheduleInterval,
    log,
    rules: {
      get noBackupForMs() {
        return settings().noBackupForMs
      },
      get smallerThan() {
        return settings().smallerThan
      },
      get waitingForMs() {
        return settings().waitingForMs
      },
      get declared() {
        return declaredSources(configFile, config)
      },
    },
    askChat: async signal => {
      if (config.chatId === undefined)
        throw new BackupError('No chat is configured', { code: 'CONFIGURATION' })
      const { id, pinned } = await client.getChat(config.chatId, { signal })
      return await assertOwnChat({ chatId: String(id), pinned }, { signal }).then(() => undefined, refusalOf)
    },
    onChat: metrics.noteChat,
    fileFaults: () => [
      ...faultOf('config_unusable', configFile.fault),
      ...faultOf('certificate_unusable', certificateFault()),
    ],
  })
  const heartbeat = renewedPart({
    configFile,
    settings: () => ({ url: settings().heartbeat, everyMs: settings().heartbeatEveryMs }),
    start: ({ url, everyMs }) =>
      url === null ? undefined : startHeartbeat({ url, everyMs, isWell: () => watch.isWell(), log }),
    log,
  })
  return {
    stop: async () => {
      await Promise.all([watch.stop(), heartbeat.stop()])
    },
  }
}

function faultOf(
  kind: FileFault['kind'],
  fault: DescribedError | undefined,
): readonly Omit<FileFault, 'host'>[] {
  return fault === undefined ? [] : [{ ...fault, kind }]
}

/**
 * The present settings; a change that cannot be read has no effect. The first read throws `CONFIGURATION`.
 */
function liveSettings({ notifications }: Pick<ConfigFile, 'notifications'>): () => NotificationSettings {
  let last = notifications()
  return () => {
    try {
      last = notifications()
    } catch {}
    return last
  }
}

function liveChannels(
  settings: () => NotificationSettings,
  where: Parameters<typeof openChannels>[1],
): Channels {
  let opened: { by: string; channels: Channels } | undefined
  const current = (): Channels => {
    const { chat, webhook, leftOut } = settings()
    const by = JSON.stringify({ chat, webhook, leftOut })
    if (opened?.by !== by) opened = { by, channels: openChannels({ chat, webhook, leftOut }, where) }
    return opened.channels
  }
  return {
    get names() {
      return current().names
    },
    get usesVaultChat() {
      return current().usesVaultChat
    },
    deliver: (...notice) => current().deliver(...notice),
  }
}

/** Why the chat is not this catalog's. Throws an error of the server: then it is not known. */
function refusalOf(error: unknown): DescribedError {
  if (error instanceof TelegramError && error.errorCode === undefined) return describeError(error)
  throw error
}
