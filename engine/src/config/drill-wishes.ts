import type { Config } from '#environment.ts'
import { parseSpanMs } from '#units/quantities.ts'

/** A shorter time would mean to drill all the time. */
const LEAST_MS = 60_000
/** With a key on this machine, and nothing else said. */
const DEFAULT_DRILL_WITHIN_MS: number = 30 * 24 * 3_600_000

/** What tells whether there is a key. */
export type KeyConfig = Pick<Config, 'identityFile' | 'encryption'>

/** Whether this machine has a key for drills, or needs none. Whether it fits, only the bytes show. */
export function mayOpenBackups({ identityFile, encryption }: KeyConfig): boolean {
  return identityFile !== undefined || encryption === 'off'
}

/** `30d` in milliseconds, null for `off`, undefined for text that is neither. */
export function readDrillWithin(text: string | false): number | null | undefined {
  if (text === false || text === 'off') return null
  try {
    const span = parseSpanMs(text)
    return span >= LEAST_MS ? span : undefined
  } catch {
    return undefined
  }
}

/**
 * The time in which a source is to have a proof, in milliseconds; null: no drills by themselves. The word of
 * the source counts, then that of the file. Without any, drills are made where a key is.
 */
export function drillWithinMs(
  said: { bySource: string | false | undefined; byFile: number | null | undefined },
  config: KeyConfig,
): number | null {
  const wish = said.bySource === undefined ? said.byFile : readDrillWithin(said.bySource)
  return wish === undefined ? (mayOpenBackups(config) ? DEFAULT_DRILL_WITHIN_MS : null) : wish
}
