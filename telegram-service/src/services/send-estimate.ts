/** What decides how long a send takes. */
export interface SendEstimateOptions {
  /** Of the whole archive, as far as it can be told beforehand; the plain bytes are the upper end. */
  archiveBytes: number
  /** Of a part as sent, at most. */
  partSizeBytes: number
  /** The client's pace; 0 = none. */
  messagesPerMinute: number
  /** Of the line, or of the limit on uploads; left out for one so fast that it does not matter. */
  bytesPerSecond?: number | undefined
}

/** How much a send is, and how long it takes. */
export interface SendEstimate {
  /** The parts and the manifest. */
  messages: number
  /** Without what the server itself takes for each message, and without flood waits. */
  seconds: number
}

const WINDOW_SECONDS = 60

/**
 * How long a send will take at the pace of the chat: as many messages as a minute allows go in a burst, and each one
 * after them waits until the one that many before it has been out for a minute. Pure arithmetic; asks nobody.
 */
export function estimateSend(options: SendEstimateOptions): SendEstimate {
  const { archiveBytes, partSizeBytes, messagesPerMinute, bytesPerSecond } = options
  const parts = Math.max(1, Math.ceil(archiveBytes / partSizeBytes))
  const partSeconds = bytesPerSecond === undefined ? 0 : archiveBytes / parts / bytesPerSecond
  const pace = messagesPerMinute === 0 ? parts + 1 : messagesPerMinute
  const cycleSeconds = Math.max(pace * partSeconds, WINDOW_SECONDS + partSeconds)
  /** When the nth part is out. */
  const outAfter = (part: number): number => {
    const cycles = Math.floor((part - 1) / pace)
    return cycles * cycleSeconds + (part - cycles * pace) * partSeconds
  }
  // The manifest is small, but a message: it goes after the last part, and has to wait like any other.
  const minuteBefore = parts + 1 - pace
  const seconds = Math.max(outAfter(parts), minuteBefore >= 1 ? outAfter(minuteBefore) + WINDOW_SECONDS : 0)
  return { messages: parts + 1, seconds }
}
