import type { RunProgress } from '@telegram-backup/engine/engine.ts'
import { ProgressMeter } from '@telegram-backup/engine/units/progress-meter.ts'
import { countFact, shareFacts, timeFacts } from '#commands/progress-facts.ts'
import type { ProgressLine } from '#commands/progress-line.ts'

/** What each stage counts, and what is done to it. */
const STAGES: Readonly<Record<RunProgress['stage'], { noun: string; done: string }>> = {
  runs: { noun: 'interrupted run', done: 'cleaned up' },
  erase: { noun: 'message', done: 'erased' },
  copy: { noun: 'message', done: 'copied' },
}

/** Shows on that line how far a run over many things is. */
export function runProgress(
  line: ProgressLine,
  { messagesPerMinute }: { messagesPerMinute: number },
): (progress: RunProgress) => void {
  let stage: RunProgress['stage'] | undefined
  let meter = new ProgressMeter()
  return progress => {
    const { done, total } = progress
    const isNew = progress.stage !== stage
    if (isNew) {
      stage = progress.stage
      // Deletions and edits have no pace; copies are messages like any other.
      meter = new ProgressMeter({ messagesPerMinute: stage === 'copy' ? messagesPerMinute : 0 })
    }
    meter.aim({ messages: total })
    meter.advance({ messages: done })
    line.update(() => {
      const now = meter.read()
      const { noun, done: word } = STAGES[progress.stage]
      const { text, rank } = countFact(done, total, noun)
      return [...shareFacts(now), { text: `${text} ${word}`, rank }, ...timeFacts(now)]
    })
  }
}

/** Since a `performance.now()`. */
export function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1000
}
