const WINDOW_SECONDS = 60

/**
 * The shortest time until that many more messages are out, when a chat takes `perMinute` in any 60 seconds,
 * bursts allowed.
 * @param of.agesSeconds how long ago each message of the last minute was sent, oldest first; older ones are
 * ignored
 */
export function paceSeconds(of: {
  messages: number
  perMinute: number
  agesSeconds: readonly number[]
}): number {
  const { messages, perMinute } = of
  if (messages <= 0) return 0
  const taken = of.agesSeconds.filter(age => age < WINDOW_SECONDS).slice(-perMinute)
  // The place of each message of a minute becomes free a minute after it.
  const freeIn = [
    ...Array.from({ length: perMinute - taken.length }, () => 0),
    ...taken.map(age => WINDOW_SECONDS - age),
  ]
  const round = Math.floor((messages - 1) / perMinute)
  return (freeIn[(messages - 1) % perMinute] ?? 0) + round * WINDOW_SECONDS
}
