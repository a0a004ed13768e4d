import { setTimeout as sleep } from 'node:timers/promises'
import type { Emulator } from '@telegram-backup/bot-api-emulator'
import { runCli } from '#run-cli.ts'

/** A point in a run: the nth event of that kind. */
export interface KillPoint {
  /** Lower case. */
  method: string
  /** Before the server does anything, or after that and before its answer. */
  phase: 'arrived' | 'kept'
  nth: number
  /** Counts only calls with such a caption. */
  caption?: RegExp
  /** Waits until this holds: several parts are sent at once, in any order. */
  once?: () => boolean
}

const LOOK_EVERY_MS = 5
/** Shorter than the limit of a test, so that the error names what did not happen. */
const WAIT_MS = 120_000

/**
 * Runs the real program and kills it at that point with SIGKILL; the server still finishes the call.
 * Resolves when the server has finished all calls of the run. Throws if the run ends before that point.
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
    await until(() => at.once?.() !== false, 'the condition of the kill')
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
    if (performance.now() > end) throw new Error(`This did not happen in time: ${what}`)
    await sleep(LOOK_EVERY_MS)
  }
}
