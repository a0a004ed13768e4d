import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { type AgeFileStart, finishAgeFile } from '#age-file.ts'
import { hashInTurns } from '#hashing.ts'

/** A part before encryption, behind free bytes for its growth. */
export interface PartToSeal {
  memory: SharedArrayBuffer
  /** Place of the plain part. */
  start: number
  end: number
  /** Absent without encryption. */
  file?: AgeFileStart
}

/** An earlier part of a resumed archive, to be hashed. */
export interface EarlierPart {
  earlier: Uint8Array
}

/** The sealed part in the same memory. */
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

// This thread lives until its 'end' message.
parentPort?.on('message', (message: PartToSeal | EarlierPart | 'end') => {
  if (message === 'end') process.exit()
  void ('earlier' in message ? hashEarlier(message) : seal(message))
})
