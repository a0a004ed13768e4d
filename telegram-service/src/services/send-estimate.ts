export interface SendEstimateOptions {
  /** The expected size of the archive; at most the plain bytes. */
  archiveBytes: number
  /** Of a part as sent, at most. */
  partSizeBytes: number
  /** 0 = no pace. */
  messagesPerMinute: number
  /** Of the line or the limit on uploads; undefined for a line so fast that it does not matter. */
  bytesPerSecond?: number | undefined
}

export interface SendEstimate {
  messages: number
  /** Without the server's own time for each message, and without flood waits. */
  seconds: number
}

const WINDOW_SECONDS = 60

/**
 * The duration of a send at the chat's pace: a minute's number of messages goes in a burst, and each later
 * one waits until the one that many before it has been out for a minute.
 */
export function estimateSend(options: SendEstimateOptions): SendEstimate {
  const { archiveBytes, partSizeBytes, messagesPerMinute, bytesPerSecond } = options
  const parts = Math.max(1, Math.ceil(archiveBytes / partSizeBytes))
  const partSeconds = bytesPerSecond === undefined ? 0 : archiveBytes / parts / bytesPerSecond
  const pace = messagesPerMinute === 0 ? parts + 1 : messagesPerMinute
  const cycleSeconds = Math.max(pace * partSeconds, WINDOW_SECONDS + partSeconds)
  const outAfter = (part: number): number => {
    const cycles = Math.floor((part - 1) / pace)
    return cycles * cycleSeconds + (part - cycles * pace) * partSeconds
  }
  // The manifest is small, but a message: it waits like any other.
  const minuteBefore = parts + 1 - pace
  const seconds = Math.max(outAfter(parts), minuteBefore >= 1 ? outAfter(minuteBefore) + WINDOW_SECONDS : 0)
  return { messages: parts + 1, seconds }
}
