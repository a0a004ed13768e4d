import { BackupError } from '@telegram-backup/errors'

/** A hundred thousand roles with settings; it is held in memory. */
const MOST_BYTES = 64 * 1024 * 1024

/** The whole text, after its last byte was verified. Throws what the bytes throw, and `UNRESTORABLE`. */
export async function textOfGlobals(bytes: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.length
    if (size > MOST_BYTES) throw unrestorable(`it is larger than ${MOST_BYTES / 1024 / 1024} MiB`)
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
  } catch {
    throw unrestorable('it is not UTF-8')
  }
}

function unrestorable(why: string): BackupError {
  return new BackupError(`The backup cannot be read as the globals of a cluster: ${why}`, {
    code: 'UNRESTORABLE',
    hint: 'Fetch it, and look at it: it is SQL text.',
  })
}
