import type { Config } from '#environment.ts'
import { parseSpanMs } from '#units/quantities.ts'

/** A shorter time would mean to drill all the time. */
const LEAST_MS = 60_000
/** With a key on this machine, and nothing else said. */
export const DEFAULT_DRILL_WITHIN_MS: number = 30 * 24 * 3_600_000

/** Whether this machine has a key for drills, or needs none. Whether it fits, only the bytes show. */
export function mayOpenBackups({
  identityFile,
  encryption,
}: Pick<Config, 'identityFile' | 'encryption'>): boolean {
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
