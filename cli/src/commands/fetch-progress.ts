import { formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { ProgressMeter } from '@telegram-backup/engine/units/progress-meter.ts'
import { countFact, shareFacts, timeFacts } from '#commands/progress-facts.ts'
import type { ProgressFact, ProgressLine } from '#commands/progress-line.ts'

/** What is shown while a backup comes back; its functions may be passed on alone. */
export interface FetchProgress {
  onStart(of: { partCount: number; plainBytes: number }): void
  onPart(): void
  /** Plain bytes so far. */
  onBytes(plainBytes: number): void
  /** Clears the line; may be called repeatedly. */
  end(): void
}

/**
 * Shows parts and bytes on that line.
 * @param about comes first: which one of several it is
 */
export function fetchProgress(
  line: ProgressLine,
  about: () => readonly ProgressFact[] = () => [],
): FetchProgress {
  const meter = new ProgressMeter()
  let partCount: number | undefined
  let parts = 0
  const show = (): void =>
    line.update(() => {
      const now = meter.read()
      return [
        ...about(),
        ...shareFacts(now),
        countFact(parts, partCount, 'part'),
        { text: `${formatBytes(now.bytes)} written`, rank: 6 },
        ...timeFacts(now),
      ]
    })
  return {
    onStart: of => {
      partCount = of.partCount
      parts = 0
      meter.start({ bytes: of.plainBytes })
    },
    onPart: () => {
      parts++
      show()
    },
    onBytes: plainBytes => {
      meter.advance({ bytes: plainBytes })
      show()
    },
    end: () => line.end(),
  }
}
