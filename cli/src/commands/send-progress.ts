import type { CallWait, SendEstimate, SendProgress } from '@telegram-backup/engine/operations/backup.ts'
import { count, formatBytes, formatSeconds } from '@telegram-backup/engine/units/human-units.ts'
import { progressBar } from '#commands/progress-line.ts'

/** Below this nobody plans anything else meanwhile. */
const WORTH_TELLING_SECONDS = 60

/** What to say beforehand of a send that takes its time; undefined of one that does not. */
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

/** One line about how far a send is. */
export function describeProgress(state: SendProgress, bytesPerSecond: number): string {
  const { plainBytesOut, plainBytesRead, plainBytesTotal, plainBytesEstimated, bytesOut, partsSent } = state
  const totalBytes = plainBytesTotal ?? plainBytesEstimated
  const facts = [
    // An estimate may have been too low, and then says nothing any more.
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

/** The rest of the source, at the rate so far and packed as the part before it was. */
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
