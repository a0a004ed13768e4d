import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { type AgeFileStart, finishAgeFile } from '#age-file.ts'
import { hashInTurns } from '#hashing.ts'

/** A part before encryption, in memory that begins with as many free bytes as it will grow by. */
export interface PartToSeal {
  memory: SharedArrayBuffer
  /** Where the plain part begins and ends in the memory. */
  start: number
  end: number
  /** Absent when encryption is off. */
  file?: AgeFileStart
}

/** A part that was sealed before, by the run that this one resumes: hashed only. */
export interface EarlierPart {
  earlier: Uint8Array
}

/** The part in the same memory, ready to be sent. */
export interface PartSealed {
  start: number
  end: number
  /** Hex. */
  sha256: string
  /** Of all parts up to this one, hex. */
  archiveSha256: string
}

const archive = createHash('sha256')

async function seal({ memory, start, end, file }: PartToSeal): Promise<void> {
  const plain = Buffer.from(memory, start, end - start)
  const sealed = file ? await finishAgeFile(file, plain, Buffer.from(memory)) : plain
  const hash = createHash('sha256')
  await hashInTurns(sealed, hash, archive)
  parentPort?.postMessage({
    start: sealed.byteOffset,
    end: sealed.byteOffset + sealed.length,
    sha256: hash.digest('hex'),
    archiveSha256: archive.copy().digest('hex'),
  } satisfies PartSealed)
}

async function hashEarlier({ earlier }: EarlierPart): Promise<void> {
  await hashInTurns(earlier, archive)
  parentPort?.postMessage(undefined)
}

// This thread lives until it is told to end.
parentPort?.on('message', (message: PartToSeal | EarlierPart | 'end') => {
  if (message === 'end') process.exit()
  void ('earlier' in message ? hashEarlier(message) : seal(message))
})
