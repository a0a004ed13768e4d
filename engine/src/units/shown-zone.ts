let isUtcWanted = false

/** From now on, this process reads and shows times in UTC, or again in the local zone. */
export function showUtc(isWanted: boolean): void {
  isUtcWanted = isWanted
}

/** Whether times are read and shown in UTC; else in the zone of the person at this terminal. */
export function isUtcShown(): boolean {
  return isUtcWanted
}
