import type { ServerResponse } from 'node:http'

/** Settles as the work does, or after that time as `late` does: it returns another result, or throws. */
export async function inTime<Result>(
  work: Promise<Result>,
  withinMs: number,
  late: () => Result,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>(resolve => {
    timer = setTimeout(resolve, withinMs)
  }).then(late)
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Aborted when nobody waits for the answer any longer, and after that time. */
export function whileWanted(response: ServerResponse, withinMs: number): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return AbortSignal.any([gone.signal, AbortSignal.timeout(withinMs)])
}
