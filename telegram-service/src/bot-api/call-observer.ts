import type { ObservedCall, TransferObserver } from '#bot-api/client-options.ts'

/** Makes one try of a call, and tells the observer how it ended. @param read gives facts about the result */
export async function observeCall<Result>(
  observer: TransferObserver | undefined,
  call: Pick<ObservedCall, 'method' | 'bytes'>,
  attempt: () => Promise<Result>,
  read: (result: Result) => Pick<Partial<ObservedCall>, 'bytes' | 'messageId'>,
): Promise<Result> {
  if (observer?.onCall === undefined) return await attempt()
  const startMs = performance.now()
  const ended = (how: Partial<ObservedCall>): void =>
    observer.onCall?.({ ...call, ...how, seconds: (performance.now() - startMs) / 1000 })
  try {
    const result = await attempt()
    ended(read(result))
    return result
  } catch (error) {
    ended({ error: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

/** The message that a call made or changed, if it did. */
export function messageOf(result: unknown): { messageId?: number } {
  const isMessage = typeof result === 'object' && result !== null && 'messageId' in result
  return isMessage && typeof result.messageId === 'number' ? { messageId: result.messageId } : {}
}
