import type { Resumption } from '@telegram-backup/archive'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { SentPart } from '#services/backup-metadata.ts'
import { fetchParts } from '#services/fetch-parts.ts'

/** What an earlier run of the backup has left in the chat. */
export interface ResumedSend {
  backupId: string
  createdAt: Date
  /** Parts 1 to n, in order; more follow. */
  parts: readonly ResumedPart[]
}

export interface ResumedPart extends SentPart {
  /** Hex. */
  plainSha256: string
}

/** Fetches these parts for the archive; a missing or changed one throws `INTEGRITY`. */
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
