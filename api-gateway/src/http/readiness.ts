import type { Readiness } from '#http/http-ports.ts'
import { inTime } from '#http/in-time.ts'

const WITHIN_MS = 3_000
/** More frequent requests get the same answer, so that they cannot flood the chat with calls. */
const GOOD_FOR_MS = 5_000

/** Checks catalog and chat, each for at most 3 seconds; requests at the same time share one check. */
export function createReadiness(ask: {
  catalog: (signal: AbortSignal) => Promise<unknown>
  chat: (signal: AbortSignal) => Promise<unknown>
}): () => Promise<Readiness> {
  let last: { since: number; answer: Promise<Readiness> } | undefined
  return () => {
    if (last === undefined || performance.now() - last.since > GOOD_FOR_MS) {
      last = { since: performance.now(), answer: askBoth(ask) }
    }
    return last.answer
  }
}

async function askBoth(ask: Parameters<typeof createReadiness>[0]): Promise<Readiness> {
  const [catalog, chat] = await Promise.all([answers(ask.catalog), answers(ask.chat)])
  return { catalog, chat }
}

/** Answers in time even if the check ignores its signal. */
async function answers(ask: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
  const timeout = new AbortController()
  const answered = (async () => ask(timeout.signal))().then(
    () => true,
    () => false,
  )
  return await inTime(answered, WITHIN_MS, () => {
    timeout.abort()
    return false
  })
}
