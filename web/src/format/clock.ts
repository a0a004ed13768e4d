/** More than that is a wrong clock; less is the way of the answer, and seconds that are cut off. */
const LEAST_MS = 30_000

/** How far the clock of the server is before that of this browser. */
let aheadMs = 0

/**
 * Learns from an answer what time it is on the server. All times of the page come from there: beside a clock
 * that is wrong by days, a backup of this night would be of last week, or to come.
 * @param date the header `Date`
 */
export function learnTime(date: string | null): void {
  const ahead = Date.parse(date ?? '') - Date.now()
  if (!Number.isNaN(ahead)) aheadMs = Math.abs(ahead) < LEAST_MS ? 0 : ahead
}

/** Milliseconds since 1970, by the clock of the server. */
export function currentTime(): number {
  return onServer(Date.now())
}

/** @param here milliseconds since 1970, by the clock of this browser */
export function onServer(here: number): number {
  return here + aheadMs
}
