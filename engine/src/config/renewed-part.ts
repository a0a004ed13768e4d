import type { LiveConfigFile } from '#config/live-config-file.ts'
import type { Logger } from '#logging.ts'
import type { ServicePart } from '#service-part.ts'

/**
 * A part that is stopped and started anew whenever what it goes by in `telegram-backup.yaml` has become
 * another. One that does not start then is told of in the log, and the next change of the file tries again;
 * the first start throws.
 * @param of.settings what it goes by; compared as JSON
 * @param of.start starts it by them; undefined where they want none
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
      log.error({ error }, 'a part could not go by what the configuration file says now, and does not run')
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
