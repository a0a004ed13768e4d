import type { CallWait, SendEstimate, SendProgress } from '@telegram-backup/engine/operations/backup.ts'
import { count, formatBytes, formatSeconds } from '@telegram-backup/engine/units/human-units.ts'
import { progressBar } from '#commands/progress-line.ts'

/** Shorter sends get no estimate. */
const WORTH_TELLING_SECONDS = 60

/** The estimate that is printed before a long send; undefined for a short one. */
export function describeEstimate(
  { messages, seconds }: SendEstimate,
  messagesPerMinute: number,
): string | undefined {
  if (seconds < WORTH_TELLING_SECONDS) return undefined
  const pace = messagesPerMinute === 0 ? '' : `, at ${messagesPerMinute} messages a minute`
  return `up to ${count(messages, 'message')}${pace}: this takes up to ${formatSeconds(seconds)}, less if the data compresses well`
}

/** Bytes per second since the first byte went out. */
export function startRate(): (bytes: number) => number {
  let startMs: number | undefined
  return bytes => {
    if (bytes === 0) return 0
    startMs ??= performance.now()
    const seconds = (performance.now() - startMs) / 1000
    return seconds > 0.5 ? bytes / seconds : 0
  }
}

/** The progress of a send, in one line. */
export function describeProgress(state: SendProgress, bytesPerSecond: number): string {
  const { plainBytesOut, plainBytesRead, plainBytesTotal, plainBytesEstimated, bytesOut, partsSent } = state
  const totalBytes = plainBytesTotal ?? plainBytesEstimated
  const facts = [
    // An estimate that was too low is no longer shown.
    ...(totalBytes && plainBytesOut <= totalBytes
      ? [`${plainBytesTotal === undefined ? 'about ' : ''}${progressBar(plainBytesOut / totalBytes)}`]
      : [`${formatBytes(plainBytesRead)} read`]),
    `${formatBytes(bytesOut)} sent`,
    `${count(partsSent, 'part')} proven`,
    ...(bytesPerSecond > 0 ? [`${formatBytes(bytesPerSecond)}/s`] : []),
    ...timeLeft(state, totalBytes, bytesPerSecond),
  ]
  return facts.join(', ') + describeWait(state.wait)
}

/** The time for the rest of the source, with the rate and the compression so far. */
function timeLeft(
  { plainBytesOut, bytesOut }: SendProgress,
  totalBytes: number | undefined,
  bytesPerSecond: number,
): string[] {
  if (!totalBytes || plainBytesOut === 0 || plainBytesOut > totalBytes || bytesPerSecond === 0) return []
  const seconds = ((totalBytes - plainBytesOut) * (bytesOut / plainBytesOut)) / bytesPerSecond
  return [`${formatSeconds(seconds)} left`]
}

const WAIT_WORDS: Readonly<Record<CallWait['reason'], string>> = {
  flood: 'Telegram asks to wait',
  pace: 'waiting, because of TELEGRAM_MESSAGES_PER_MINUTE',
  retry: 'no connection, trying again in',
}

function describeWait(wait: CallWait | undefined): string {
  return wait === undefined ? '' : ` (${WAIT_WORDS[wait.reason]} ${formatSeconds(wait.seconds)})`
}
