import { count, formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { type ProgressLine, progressBar } from '#commands/progress-line.ts'

/** What is shown while a backup comes back; its functions may be passed on alone. */
export interface FetchProgress {
  onStart(of: { partCount: number; plainBytes: number }): void
  onPart(): void
  /** Plain bytes so far. */
  onBytes(plainBytes: number): void
  /** Clears the line; may be called repeatedly. */
  end(): void
}

/** Shows parts and bytes on that line. */
export function fetchProgress(line: ProgressLine): FetchProgress {
  let whole = { partCount: 0, plainBytes: 0 }
  let parts = 0
  let written = 0
  const show = (): void =>
    line.update(
      () =>
        `${progressBar(written / Math.max(1, whole.plainBytes))}  ${parts} of ${count(whole.partCount, 'part')} fetched, ${formatBytes(written)} written`,
    )
  return {
    onStart: of => {
      whole = of
      parts = 0
      written = 0
    },
    onPart: () => {
      parts++
      show()
    },
    onBytes: plainBytes => {
      written = plainBytes
      show()
    },
    end: () => line.end(),
  }
}
