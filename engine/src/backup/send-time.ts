import { stat } from 'node:fs/promises'
import { DEFAULT_PART_SIZE_BYTES } from '@telegram-backup/archive'
import { isAtWork, type OpenedSource } from '@telegram-backup/connectors/connector.ts'
import { estimateSend, type SendEstimate } from 'telegram-deployment-bot'

/**
 * How long the source takes at most at the pace of the chat and the bound on uploads, packed as badly as can be.
 * Undefined where nobody knows its size.
 */
export async function estimateSource(
  source: OpenedSource,
  options: {
    partSizeBytes: number | undefined
    /** 0 = no pace. */
    messagesPerMinute: number
    bytesPerSecond: number | undefined
  },
): Promise<SendEstimate | undefined> {
  const { partSizeBytes = DEFAULT_PART_SIZE_BYTES, messagesPerMinute, bytesPerSecond } = options
  const archiveBytes = await sizeOf(source)
  if (archiveBytes === undefined) return undefined
  return estimateSend({
    archiveBytes,
    partSizeBytes,
    messagesPerMinute,
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
  })
}

async function sizeOf(source: OpenedSource): Promise<number | undefined> {
  if (isAtWork(source)) return source.sizeBytes ?? source.estimatedBytes
  const facts = await stat(typeof source === 'string' ? source : source.bytes).catch(() => undefined)
  return facts?.isFile() ? facts.size : undefined
}
