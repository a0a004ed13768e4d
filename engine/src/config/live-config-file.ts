import { setTimeout as sleep } from 'node:timers/promises'
import { type DescribedError, describeError } from '@telegram-backup/errors'
import { type ConfigFile, readConfigFile } from '#config/config-file.ts'
import type { Config } from '#environment.ts'
import type { Logger } from '#logging.ts'

/**
 * `telegram-backup.yaml` as it is now, for a process that runs for months. Callers keep no copies. While the
 * file cannot be used, its last usable contents stay in use.
 */
export interface LiveConfigFile extends ConfigFile {
  /** Reads the file again if it was changed. Never throws. */
  reread(): Promise<void>
  /** Why the present file cannot be used; undefined while it is in use. */
  readonly fault: DescribedError | undefined
  /** Calls back after each change that is in use. Returns a function that stops it. */
  onChange(listener: () => void): () => void
}

/** An editor may be writing the file: a change counts after two equal reads. */
const STABLE_AFTER_MS = 300

/** Throws `CONFIGURATION` when the file cannot be used. */
export async function openLiveConfigFile(
  config: Pick<Config, 'configFile' | 'stateFolder'>,
  log: Pick<Logger, 'info' | 'warn' | 'error'>,
): Promise<LiveConfigFile> {
  let current = await readConfigFile(config)
  current.notifications()
  // While the file is missing for a moment, a file in another folder must not replace it.
  const place = { ...config, configFile: current.path ?? config.configFile }
  const listeners = new Set<() => void>()
  let fault: DescribedError | undefined
  let reading: Promise<void> | undefined

  const readStable = async (): Promise<ConfigFile> => {
    let read = await readConfigFile(place)
    while (read.edition !== current.edition) {
      const before = read.edition
      await sleep(STABLE_AFTER_MS)
      read = await readConfigFile(place)
      if (read.edition === before) break
    }
    read.notifications()
    return read
  }

  const take = (next: ConfigFile): void => {
    if (fault !== undefined) log.info({ path: next.path }, 'the configuration file can be used again')
    fault = undefined
    if (next.edition === current.edition) return
    const before = current
    current = next
    if (place.configFile === undefined && next.path !== undefined) place.configFile = next.path
    log.info(changes(before, next), 'the configuration file was changed, and is in use')
    for (const warning of next.warnings) log.warn(warning)
    if (JSON.stringify(before.http) !== JSON.stringify(next.http)) {
      log.warn('the settings below "http:" were changed; they take effect at the next start')
    }
    for (const listener of listeners) listener()
  }

  const refuse = (error: unknown): void => {
    const described = describeError(error)
    const isKnown = fault?.message === described.message
    fault = described
    if (isKnown) return
    log.error({ error }, 'the configuration file cannot be used; its last usable contents stay in use')
  }

  return {
    get path() {
      return current.path
    },
    get edition() {
      return current.edition
    },
    get sourceNames() {
      return current.sourceNames
    },
    get targetNames() {
      return current.targetNames
    },
    get warnings() {
      return current.warnings
    },
    get http() {
      return current.http
    },
    providers: () => current.providers(),
    get retention() {
      return current.retention
    },
    get objects() {
      return current.objects
    },
    get verification() {
      return current.verification
    },
    source: name => current.source(name),
    target: name => current.target(name),
    projectOf: (kind, name) => current.projectOf(kind, name),
    notifications: () => current.notifications(),
    get fault() {
      return fault
    },
    reread: () => {
      reading ??= readStable()
        .then(take, refuse)
        .finally(() => {
          reading = undefined
        })
      return reading
    },
    onChange: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function changes(before: ConfigFile, now: ConfigFile): object {
  const added = (names: 'sourceNames' | 'targetNames', from: ConfigFile, to: ConfigFile): string[] =>
    to[names].filter(name => !from[names].includes(name))
  const facts = {
    new_sources: added('sourceNames', before, now),
    gone_sources: added('sourceNames', now, before),
    new_targets: added('targetNames', before, now),
    gone_targets: added('targetNames', now, before),
  }
  return {
    path: now.path,
    ...Object.fromEntries(Object.entries(facts).filter(([, names]) => names.length > 0)),
  }
}
