import { setTimeout as sleep } from 'node:timers/promises'
import { cancelled, TelegramError } from '#telegram-error.ts'

/**
 * How a call may be repeated:
 * - `send` makes a message. After an answer was lost it may exist, so it is never repeated blindly.
 * - `repeatable` reads, or does something that is the same when done twice (delete).
 */
export type CallKind = 'send' | 'repeatable'

/** Why a call is waiting; for progress and logs. */
export interface CallWait {
  reason: 'flood' | 'pace' | 'retry'
  seconds: number
}

/** What every call takes. */
export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Told before each wait: for a flood, for the pace, or before another try. What it throws ends the call. */
  onWait?: ((wait: CallWait) => void) | undefined
}

export interface CallPolicy {
  /** Tries of a call that was not carried out, or that may be repeated. */
  maxTries: number
  /** The same for uploads and downloads of files: work that was hours under way is worth more patience. */
  transferTries: number
  /** First pause between tries; it doubles, with jitter, up to 16 times that. */
  retryPauseMs: number
  /** Flood waits of one call that add up to more than this are an error: better to say so than to hang. */
  maxFloodWaitSeconds: number
}

/** Calls give up after about 8 seconds without a connection, transfers after about 50. */
export const DEFAULT_CALL_POLICY: CallPolicy = {
  maxTries: 5,
  transferTries: 10,
  retryPauseMs: 500,
  maxFloodWaitSeconds: 3600,
}

/** getFile's way of passing on a failure behind the server (telegram-bot-api `do_get_file`): worth another try. */
const TEMPORARY_REFUSAL = /temporarily unavailable|internal server error/i

/**
 * The one place that decides what happens after a call failed. A flood wait is obeyed, also when it comes wrapped in
 * a 400; whatever never reached the server is tried again; a lost answer is tried again only for repeatable calls.
 * `attempt` hears whether it is another try after a failure.
 */
export async function callWithPolicy<Result>(
  attempt: (again: boolean) => Promise<Result>,
  options: CallOptions & { kind: CallKind; policy: CallPolicy },
): Promise<Result> {
  const { kind, policy, signal, onWait } = options
  const pause = async (reason: CallWait['reason'], seconds: number): Promise<void> => {
    onWait?.({ reason, seconds })
    await sleep(seconds * 1000, undefined, signal ? { signal } : {}).catch(() => {
      throw cancelled()
    })
  }
  let failures = 0
  let floodSeconds = 0
  for (;;) {
    try {
      return await attempt(failures > 0)
    } catch (error) {
      if (!(error instanceof TelegramError)) throw error
      if (error.retryAfterSeconds !== undefined) {
        const seconds = Math.max(1, error.retryAfterSeconds)
        floodSeconds += seconds
        if (floodSeconds > policy.maxFloodWaitSeconds) throw error
        await pause('flood', seconds)
        continue
      }
      failures++
      if (failures >= policy.maxTries || !mayBeRepeated(error, kind)) throw error
      const backoff = policy.retryPauseMs * 2 ** Math.min(failures - 1, 4)
      await pause('retry', (backoff * (0.75 + Math.random() / 2)) / 1000)
    }
  }
}

function mayBeRepeated(error: TelegramError, kind: CallKind): boolean {
  if (error.code === 'UNREACHABLE') return true
  if (kind === 'send') return false
  return (
    error.code === 'ANSWER_LOST' ||
    (error.code === 'REFUSED' && TEMPORARY_REFUSAL.test(error.description ?? ''))
  )
}
