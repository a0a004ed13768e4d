import { createReadStream } from 'node:fs'
import { BackupError, describeError } from '@telegram-backup/errors'
import { type CheckedEvidence, checkEvidenceFile, MOST_EVIDENCE_BYTES } from '#proof/evidence-file.ts'

export type { CheckedEvidence }

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}=$/

/**
 * Checks a file of evidence. Needs no catalog, no chat, no key and no settings. Throws `INTEGRITY` for a file
 * that was changed or is not signed by a trusted key, `USAGE` for a fingerprint that is none, `NOT_FOUND`.
 * @param trusted fingerprints; empty: anybody may have signed
 */
export async function verifyEvidence(path: string, trusted: readonly string[]): Promise<CheckedEvidence> {
  for (const fingerprint of trusted) {
    if (FINGERPRINT.test(fingerprint)) continue
    throw new BackupError(
      `This is not the fingerprint of a key: ${JSON.stringify(fingerprint.slice(0, 80))}`,
      {
        code: 'USAGE',
        hint: 'A fingerprint is SHA256: and 44 characters; the recovery card has it.',
      },
    )
  }
  const bytes = await readFile(path)
  try {
    return checkEvidenceFile(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
      trusted,
    )
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new BackupError('The file is not evidence: it is no text', { code: 'INTEGRITY', cause: error })
  }
}

async function readFile(path: string): Promise<Buffer> {
  try {
    // A pipe or a device does not say how much comes.
    const pieces: Buffer[] = []
    let size = 0
    for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
      pieces.push(piece)
      size += piece.length
      if (size > MOST_EVIDENCE_BYTES)
        throw new BackupError('The file is too large for evidence', { code: 'INTEGRITY' })
    }
    return Buffer.concat(pieces)
  } catch (error) {
    const { code, message } = describeError(error)
    if (code === 'INTEGRITY') throw error
    throw new BackupError(`The file cannot be read: ${message}`, {
      code: code === 'ENOENT' ? 'NOT_FOUND' : 'FAILED',
      hint: 'Give the path of a file that an export has written.',
      cause: error,
    })
  }
}
