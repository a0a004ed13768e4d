import { pause } from '#bot-api/clock.ts'
import { TelegramError } from '#telegram-error.ts'

/**
 * How a call may be repeated:
 * - `send` makes a message. After a lost answer it may exist, so it is never repeated blindly.
 * - `repeatable` reads, or has the same effect when done twice (delete).
 */
export type CallKind = 'send' | 'repeatable'

export interface CallWait {
  reason: 'flood' | 'pace' | 'retry'
  seconds: number
  /** Why the call is tried again. */
  why?: string
}

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Called before each wait. What it throws ends the call. */
  onWait?: ((wait: CallWait) => void) | undefined
}

export interface CallPolicy {
  maxTries: number
  /** For files: hours of work are worth more patience. */
  transferTries: number
  /** First pause; it doubles, with jitter, up to 16 times that. */
  retryPauseMs: number
  /** Longest sum of a call's flood waits; beyond that, an error is better than hanging. */
  maxFloodWaitSeconds: number
}

/** Without a connection, calls give up after about 8 seconds, transfers after about 50. */
export const DEFAULT_CALL_POLICY: CallPolicy = {
  maxTries: 5,
  transferTries: 10,
  retryPauseMs: 500,
  maxFloodWaitSeconds: 3600,
}

/** getFile reports failures behind the server so (telegram-bot-api `do_get_file`). */
const TEMPORARY_REFUSAL = /temporarily unavailable|internal server error/i

/**
 * Decides what happens after a failed call. A flood wait is obeyed, also inside of a 400; a call that never
 * reached the server is tried again; a lost answer is tried again only for repeatable calls.
 */
export async function callWithPolicy<Result>(
  attempt: (again: boolean) => Promise<Result>,
  options: CallOptions & { kind: CallKind; policy: CallPolicy },
): Promise<Result> {
  const { kind, policy, signal, onWait } = options
  const wait = async (wait: CallWait): Promise<void> => {
    onWait?.(wait)
    await pause(wait.seconds * 1000, signal)
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
        await wait({ reason: 'flood', seconds })
        continue
      }
      failures++
      if (failures >= policy.maxTries || !mayBeRepeated(error, kind)) throw error
      const backoff = policy.retryPauseMs * 2 ** Math.min(failures - 1, 4)
      const seconds = (backoff * (0.75 + Math.random() / 2)) / 1000
      await wait({ reason: 'retry', seconds, why: error.message })
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
