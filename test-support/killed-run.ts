import { setTimeout as sleep } from 'node:timers/promises'
import type { Emulator } from '@telegram-backup/bot-api-emulator'
import { runCli } from '#run-cli.ts'

/** A point in the life of a run: the nth event of that kind from its start on. */
export interface KillPoint {
  /** Lower case. */
  method: string
  /** Before the server has done anything, or after it has and before the answer leaves. */
  phase: 'arrived' | 'kept'
  nth: number
  /** Only calls whose caption fits count. */
  caption?: RegExp
  /**
   * What has to be so by then: parts are sent several at once, and any of them may be the first to be there.
   */
  once?: () => boolean
}

const LOOK_EVERY_MS = 5
/** Shorter than a test may take, so that what was waited for is named. */
const WAIT_MS = 120_000

/**
 * Runs the real program and kills it, without a word, at that point; the call goes on at the server when the
 * process is gone. Resolves when the server has done whatever of the run had come to it. Throws when the run
 * ends before it gets there.
 */
export async function killRunAt(
  emulator: Emulator,
  args: readonly string[],
  { at, env, input }: { at: KillPoint; env: Record<string, string>; input?: Buffer },
): Promise<void> {
  let pid = 0
  let seen = 0
  let isKilled = false
  let ended: Promise<unknown> = Promise.resolve()
  const underWay = new Set<number>()
  const unwatch = emulator.watch(async ({ method, phase, call, parameters }) => {
    if (phase === 'arrived') underWay.add(call)
    if (phase === 'answered') underWay.delete(call)
    if (method !== at.method || phase !== at.phase) return
    if (at.caption?.test(parameters['caption'] ?? '') === false || ++seen !== at.nth) return
    await until(() => at.once?.() !== false, 'what has to be so before the kill')
    isKilled = true
    process.kill(pid, 'SIGKILL')
    await ended
  })
  try {
    const running = runCli(args, {
      env,
      ...(input && { input }),
      onStart: started => {
        pid = started
      },
    })
    ended = running
    const run = await running
    if (!isKilled)
      throw new Error(`The run ended with ${run.code} before ${at.method} ${at.nth}: ${run.stderr}`)
    await until(() => underWay.size === 0, 'the end of the calls of the killed run')
  } finally {
    unwatch()
  }
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = performance.now() + WAIT_MS
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`In vain was waited for ${what}`)
    await sleep(LOOK_EVERY_MS)
  }
}
