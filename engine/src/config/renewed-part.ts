import type { LiveConfigFile } from '#config/live-config-file.ts'
import type { Logger } from '#logging.ts'
import type { ServicePart } from '#service-part.ts'

/**
 * A part of the service that restarts when its settings in `telegram-backup.yaml` change. The first start may
 * throw. A later one that fails is logged, and the next change of the file tries again.
 * @param of.settings compared as JSON
 * @param of.start undefined when the settings switch the part off
 */
export function renewedPart<Settings>(of: {
  configFile: Pick<LiveConfigFile, 'onChange'>
  settings: () => Settings
  start: (settings: Settings) => ServicePart | undefined
  log: Pick<Logger, 'error'>
}): ServicePart {
  const { configFile, settings, start, log } = of
  let written: string | undefined
  let part: ServicePart | undefined
  let isStopped = false
  let turn: Promise<void> = Promise.resolve()
  const renew = async (): Promise<void> => {
    const now = settings()
    const text = JSON.stringify(now)
    if (isStopped || text === written) return
    written = text
    const before = part
    part = undefined
    await before?.stop()
    // It may have been stopped meanwhile.
    part = isStopped ? undefined : start(now)
  }
  const first = settings()
  written = JSON.stringify(first)
  part = start(first)
  const forget = configFile.onChange(() => {
    turn = turn.then(renew).catch((error: unknown) => {
      written = undefined
      log.error({ error }, 'a part of the service does not run: it cannot use its new settings')
    })
  })
  return {
    stop: async () => {
      isStopped = true
      forget()
      await turn
      await part?.stop()
    },
  }
}
