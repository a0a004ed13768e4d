import type { Resumption } from '@telegram-backup/archive'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { SentPart } from '#services/backup-metadata.ts'
import { fetchParts } from '#services/fetch-parts.ts'

/** What an earlier run of a backup has left in the chat, for a later one to go on from. */
export interface ResumedSend {
  backupId: string
  createdAt: Date
  /** Parts 1 to n, in order; more are to come. */
  parts: readonly ResumedPart[]
}

export interface ResumedPart extends SentPart {
  /** Of its plain bytes, hex. */
  plainSha256: string
}

/**
 * The same for the archive, which wants the bytes of these parts: they are fetched, which proves each of them once more,
 * with `INTEGRITY` for one that is gone or altered.
 */
export function resumeArchive(
  client: TelegramClient,
  { parts }: ResumedSend,
  signal: AbortSignal,
): Resumption {
  return {
    parts,
    bytes: (async function* () {
      for await (const { bytes } of fetchParts(client, parts, { signal })) yield bytes
    })(),
  }
}
