import type { HumanAct } from '#torture/play/humans.ts'
import { type KillPlan, wordsOf } from '#torture/play/kill-plan.ts'
import type { OperationName } from '#torture/play/operations.ts'

/** Counts what was tried. */
export interface Tally {
  run(of: { operation: OperationName; kill: KillPlan; met: boolean; isOneOfTwo: boolean }): void
  fault(words: string): void
  human(act: HumanAct): void
  readonly counts: Counts
}

/** How often each was tried. */
export interface Counts {
  /** By operation, then by what was killed. */
  readonly kills: Map<string, Map<string, number>>
  readonly faults: Map<string, number>
  readonly humans: Map<string, number>
  runs: number
  together: number
}

export function openTally(): Tally {
  const counts: Counts = { kills: new Map(), faults: new Map(), humans: new Map(), runs: 0, together: 0 }
  return {
    counts,
    run: ({ operation, kill, met, isOneOfTwo }) => {
      counts.runs++
      if (isOneOfTwo) counts.together++
      const row = counts.kills.get(operation) ?? new Map<string, number>()
      counts.kills.set(operation, row)
      add(row, met ? wordsOf(kill) : 'nothing killed')
    },
    fault: words => add(counts.faults, words),
    human: act => add(counts.humans, act),
  }
}

function add(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}
