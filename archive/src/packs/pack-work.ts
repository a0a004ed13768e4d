import { createHash } from 'node:crypto'
import { type AgeFileKey, type AgeFileStart, ageGrowthBytes, finishAgeFile } from '#age-file.ts'
import { decryptChunks } from '#age-payload.ts'
import { copyBytes } from '#copy-bytes.ts'
import { hashInTurns } from '#hashing.ts'
import type { PackMemory } from '#packs/pack-memory.ts'

/** Bytes from `start` to before `end` of a pack's memory. */
export interface PackPlace {
  start: number
  end: number
}

/** The work that touches each byte of a pack: in the caller's thread ({@link HERE}), or in one of its own. */
export interface PackWork {
  /** The SHA-256 of these bytes, hex. */
  hash(memory: PackMemory, place: PackPlace): Promise<string>
  /**
   * Encrypts the bytes; the age file begins before them, by as much as it is longer. Returns its place, and
   * its SHA-256 in hex. Without `file` only the latter.
   */
  seal(
    memory: PackMemory,
    place: PackPlace,
    file: AgeFileStart | undefined,
  ): Promise<PackPlace & { sha256: string }>
  /**
   * Decrypts an age file to its own beginning, and returns the place of the plain bytes.
   * @throws Error when it was altered or cut; then neither is left
   */
  open(memory: PackMemory, place: PackPlace, key: AgeFileKey): Promise<PackPlace>
}

export async function hashBytes(memory: Buffer, { start, end }: PackPlace): Promise<string> {
  const hash = createHash('sha256')
  await hashInTurns(memory.subarray(start, end), hash)
  return hash.digest('hex')
}

export async function sealBytes(
  memory: Buffer,
  place: PackPlace,
  file: AgeFileStart | undefined,
): Promise<PackPlace & { sha256: string }> {
  const sealed = file === undefined ? place : await encrypt(memory, place, file)
  return { ...sealed, sha256: await hashBytes(memory, sealed) }
}

async function encrypt(memory: Buffer, { start, end }: PackPlace, file: AgeFileStart): Promise<PackPlace> {
  const plain = memory.subarray(start, end)
  const sealedStart = start - ageGrowthBytes(file, plain.length)
  const { length } = await finishAgeFile(file, plain, memory.subarray(sealedStart))
  return { start: sealedStart, end: sealedStart + length }
}

export function openBytes(memory: Buffer, { start, end }: PackPlace, key: AgeFileKey): PackPlace {
  let plainEnd = start
  // Each chunk goes before the place that it came from.
  for (const chunk of decryptChunks(memory.subarray(start + key.headerBytes, end), key.fileKey)) {
    copyBytes(memory, chunk, plainEnd)
    plainEnd += chunk.length
  }
  return { start, end: plainEnd }
}

/** In the caller's own thread. */
export const HERE: PackWork = {
  hash: (memory, place) => hashBytes(memory.bytes, place),
  seal: (memory, place, file) => sealBytes(memory.bytes, place, file),
  open: async (memory, place, key) => openBytes(memory.bytes, place, key),
}
