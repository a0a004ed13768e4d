import { DEFAULT_PART_SIZE_BYTES } from '@telegram-backup/archive'
import type { OpenedSource } from '@telegram-backup/connectors/connector.ts'
import { estimateSend, type SendEstimate } from 'telegram-deployment-bot'

/**
 * How long the source takes at most at the pace of the chat and the bound on uploads, packed as badly as can
 * be. Undefined where nobody knows its size.
 */
export function estimateSource(
  source: OpenedSource,
  options: {
    partSizeBytes: number | undefined
    /** 0 = no pace. */
    messagesPerMinute: number
    bytesPerSecond: number | undefined
  },
): SendEstimate | undefined {
  const { partSizeBytes = DEFAULT_PART_SIZE_BYTES, messagesPerMinute, bytesPerSecond } = options
  const archiveBytes = source.sizeBytes ?? source.estimatedBytes
  if (archiveBytes === undefined) return undefined
  return estimateSend({
    archiveBytes,
    partSizeBytes,
    messagesPerMinute,
    bytesPerSecond,
  })
}
