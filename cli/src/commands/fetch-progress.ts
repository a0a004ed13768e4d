import { count, formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { type ProgressLine, progressBar } from '#commands/progress-line.ts'

/** What is shown while a backup comes back. */
export interface FetchProgress {
  onPart(): void
  /** Counts plain bytes that have left for their target. */
  onBytes(plainBytes: number): void
  /** The same bytes, counted. */
  counting(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer>
  end(): void
}

/** Shows parts and bytes on that line; `plainSizeBytes` is the whole. */
export function fetchProgress(
  line: ProgressLine,
  plan: { parts: readonly unknown[] },
  plainSizeBytes: number,
): FetchProgress {
  let parts = 0
  let plainBytes = 0
  const show = (): void =>
    line.update(
      () =>
        `${progressBar(plainBytes / Math.max(1, plainSizeBytes))}  ${parts} of ${count(plan.parts.length, 'part')} fetched, ${formatBytes(plainBytes)} written`,
    )
  const onBytes = (total: number): void => {
    plainBytes = total
    show()
  }
  return {
    onPart: () => {
      parts++
      show()
    },
    onBytes,
    counting: async function* (bytes) {
      for await (const chunk of bytes) {
        yield chunk
        onBytes(plainBytes + chunk.length)
      }
    },
    end: () => line.end(),
  }
}
