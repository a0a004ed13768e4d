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
  const whole = Buffer.concat(chunks)
  // psql takes a line to end there, and the quote that it stands in would take in what follows.
  if (whole.includes(0)) throw unrestorable('it holds a zero byte')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(whole)
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
