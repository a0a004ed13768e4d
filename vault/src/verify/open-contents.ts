import { ArchiveError, type ReceivedPart, readArchive } from '@telegram-backup/archive'
import type { Backup } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import type { ReadMessage } from '#verify/read-documents.ts'

/** The result for the contents of a backup. */
export type ContentsOutcome =
  | { outcome: 'right' }
  /** A part was not what was sent, so the result is unknown. */
  | { outcome: 'broken off' }
  | { outcome: 'wrong'; partNumber: number | undefined; reason: string }
  /** There is no matching key. */
  | { outcome: 'closed'; code: string; reason: string }

/**
 * Decrypts and decompresses the parts as they are read, and compares the whole with the record of its send.
 * The plain bytes are thrown away. Always reads on to the last part. Throws the errors of reading.
 */
export async function openContents(
  read: AsyncGenerator<ReadMessage, void>,
  { backup, identities, signal }: { backup: Backup; identities: readonly string[]; signal: AbortSignal },
): Promise<ContentsOutcome> {
  let failure: { error: unknown } | undefined
  let isBrokenOff = false
  const rightParts = async function* (): AsyncGenerator<ReceivedPart> {
    for (;;) {
      const { done, value } = await read.next().catch((error: unknown) => {
        failure = { error }
        throw error
      })
      if (done) break
      if (value.finding !== undefined) {
        isBrokenOff = true
        return
      }
      yield { number: value.message.part_no, bytes: value.bytes, sha256: value.sha256 }
    }
  }
  const outcome = await drain(rightParts(), { backup, identities, signal }).catch((error: unknown) => {
    if (failure !== undefined) throw failure.error
    if (!(error instanceof ArchiveError)) throw error
    if (isBrokenOff) return { outcome: 'broken off' } as const
    const { message: reason, code } = describeError(error)
    if (code === 'WRONG_KEY' || code === 'NO_KEY') return { outcome: 'closed', code, reason } as const
    if (code !== 'INTEGRITY') throw error
    return { outcome: 'wrong', partNumber: error.partNumber, reason } as const
  })
  for (let rest = await read.next(); !rest.done; rest = await read.next());
  return isBrokenOff ? { outcome: 'broken off' } : outcome
}

async function drain(
  parts: AsyncIterable<ReceivedPart>,
  { backup, identities, signal }: { backup: Backup; identities: readonly string[]; signal: AbortSignal },
): Promise<ContentsOutcome> {
  const plain = readArchive(parts, {
    backupId: backup.id,
    identities,
    encrypted: backup.encrypted !== false,
    signal,
  })
  for await (const _ of plain);
  const { plainSize, plainSha256 } = plain.summary
  const isRight =
    plainSize === backup.size && (backup.plain_sha256 === null || plainSha256 === backup.plain_sha256)
  if (isRight) return { outcome: 'right' }
  return { outcome: 'wrong', partNumber: undefined, reason: 'The whole is not what was backed up' }
}
