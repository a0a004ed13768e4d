import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import {
  decryptRange,
  encryptPayload,
  PAYLOAD_NONCE_BYTES,
  payloadCapacityBytes,
  payloadSizeBytes,
} from '#age-payload.ts'
import { ArchiveError } from '#archive-error.ts'

// One age file (age-encryption.org/v1): the age library makes the header with the file key, wrapped for each
// recipient; node:crypto encrypts the payload.

type AgeLibrary = typeof import('age-encryption')

const load = createRequire(import.meta.url)

/** Loaded at its first use, which takes 50 ms: a dump that was just started can use them. */
export function ageLibrary(): AgeLibrary {
  return load('age-encryption') as AgeLibrary
}

const VERSION_LINE = 'age-encryption.org/v1\n'
const MAC_LINE_START = '\n--- '
/** `-> X25519 `, the share and the wrapped key in base64 (43 characters each), two line ends. */
const X25519_STANZA_BYTES = 98
/** `--- `, the MAC in base64, a line end. */
const MAC_LINE_BYTES = 48
/** Longest header that is read: room for several hundred recipients. */
const MAX_HEADER_BYTES = 64 * 1024
/** Size of an empty payload. */
const EMPTY_PAYLOAD_BYTES = payloadSizeBytes(0)

/** Most plain bytes for an age file of `fileSize` bytes; may be negative. */
export function ageCapacityBytes(fileSize: number, recipientCount: number): number {
  return payloadCapacityBytes(fileSize - headerSizeBytes(recipientCount))
}

/** Size of the age file for `plainSize` bytes. */
export function ageFileSizeBytes(plainSize: number, recipientCount: number): number {
  return headerSizeBytes(recipientCount) + payloadSizeBytes(plainSize)
}

/** The beginning of an age file, and its key; for one file only. */
export interface AgeFileStart {
  header: Uint8Array
  fileKey: Uint8Array
  nonce: Uint8Array
}

/** By how much the file is longer than that many plain bytes. */
export function ageGrowthBytes({ header }: AgeFileStart, plainSize: number): number {
  return header.length + payloadSizeBytes(plainSize) - plainSize
}

/** Begins an age file that each of the recipients (`age1…`) can open. */
export async function startAgeFile(recipients: readonly string[]): Promise<AgeFileStart> {
  return { ...(await makeHeader(recipients)), nonce: randomBytes(PAYLOAD_NONCE_BYTES) }
}

/**
 * Writes the age file to the beginning of `into`, and returns it. The plain bytes may lie in the same memory,
 * as far behind as the file is longer than they are: each chunk is overwritten after it was read.
 */
export async function finishAgeFile(
  { header, fileKey, nonce }: AgeFileStart,
  plain: Uint8Array,
  into: Buffer,
): Promise<Buffer> {
  const file = into.subarray(0, header.length + payloadSizeBytes(plain.length))
  file.set(header, 0)
  await encryptPayload(plain, { fileKey, nonce }, file.subarray(header.length))
  return file
}

/** Encrypts to all recipients (`age1…`). */
export async function encryptAgeFile(plain: Uint8Array, recipients: readonly string[]): Promise<Buffer> {
  const file = Buffer.allocUnsafeSlow(ageFileSizeBytes(plain.length, recipients.length))
  return finishAgeFile(await startAgeFile(recipients), plain, file)
}

export interface PlainPieces {
  /** Bytes of all pieces; valid only if the iteration ends without an error. */
  sizeBytes: number
  /** In order; each is valid until the next one. */
  pieces: Iterable<Uint8Array>
}

/**
 * Decrypts with the identity that fits.
 * @throws ArchiveError at the call: `WRONG_KEY` when none does, `INTEGRITY` for a damaged header; while
 * iterating: `INTEGRITY`. A damaged recipient line looks like one for another key: `WRONG_KEY`.
 */
export async function decryptAgeFile(file: Uint8Array, identities: readonly string[]): Promise<PlainPieces> {
  const { sizeBytes, read } = await openAgeFile(file, identities)
  return { sizeBytes, pieces: read() }
}

/** Bytes that are decrypted where they are read. */
export interface PlainRanges {
  /** Bytes of all; negative when the file is cut short. */
  sizeBytes: number
  /**
   * The bytes from `start` to before `end`, in pieces that are valid until the next one; all by default. Only
   * all of them show, at the end of the iteration, that nothing is cut off.
   */
  read(start?: number, end?: number): Iterable<Uint8Array>
}

/** What an age file is opened with: the length of its header in bytes, and the key that was in it. */
export interface AgeFileKey {
  headerBytes: number
  fileKey: Uint8Array
}

/** @throws ArchiveError `WRONG_KEY`, `INTEGRITY` as {@link decryptAgeFile} at the call */
export async function unwrapAgeFile(file: Uint8Array, identities: readonly string[]): Promise<AgeFileKey> {
  const headerBytes = findHeaderEnd(file)
  return { headerBytes, fileKey: await unwrapFileKey(file.subarray(0, headerBytes), identities) }
}

/** As {@link decryptAgeFile}, for reading ranges. */
export async function openAgeFile(file: Uint8Array, identities: readonly string[]): Promise<PlainRanges> {
  const { headerBytes, fileKey } = await unwrapAgeFile(file, identities)
  const payload = file.subarray(headerBytes)
  return {
    sizeBytes: payloadCapacityBytes(payload.length),
    read: (start = 0, end = Number.MAX_SAFE_INTEGER) => decrypted(payload, fileKey, { start, end }),
  }
}

function* decrypted(
  payload: Uint8Array,
  fileKey: Uint8Array,
  range: { start: number; end: number },
): Generator<Uint8Array, void> {
  try {
    yield* decryptRange(payload, fileKey, range)
  } catch (cause) {
    throw new ArchiveError('The encrypted bytes were altered or cut', { code: 'INTEGRITY', cause })
  }
}

function headerSizeBytes(recipientCount: number): number {
  return VERSION_LINE.length + recipientCount * X25519_STANZA_BYTES + MAC_LINE_BYTES
}

/** A header with a new file key, which the library shows to a recipient that wraps nothing. */
async function makeHeader(
  recipients: readonly string[],
): Promise<{ header: Uint8Array; fileKey: Uint8Array }> {
  const encrypter = new (ageLibrary().Encrypter)()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  let fileKey: Uint8Array | undefined
  encrypter.addRecipient({
    wrapFileKey: key => {
      fileKey = Uint8Array.from(key)
      return []
    },
  })
  const emptyFile = await encrypter.encrypt(new Uint8Array(0))
  const header = emptyFile.subarray(0, emptyFile.length - EMPTY_PAYLOAD_BYTES)
  if (!fileKey || header.length !== headerSizeBytes(recipients.length)) {
    throw new Error('The age library made a header of another form than expected')
  }
  return { header, fileKey }
}

function findHeaderEnd(file: Uint8Array): number {
  const start = Buffer.from(file.buffer, file.byteOffset, Math.min(file.length, MAX_HEADER_BYTES))
  const macLine = start.indexOf(MAC_LINE_START, 'latin1')
  const end = macLine < 0 ? -1 : start.indexOf('\n', macLine + MAC_LINE_START.length)
  if (start.toString('latin1', 0, VERSION_LINE.length) !== VERSION_LINE || end < 0) {
    throw new ArchiveError('The bytes are not an age file', { code: 'INTEGRITY' })
  }
  return end + 1
}

async function unwrapFileKey(header: Uint8Array, identities: readonly string[]): Promise<Uint8Array> {
  const decrypter = new (ageLibrary().Decrypter)()
  for (const identity of identities) decrypter.addIdentity(identity)
  // Identities are asked in order: if this one is asked, none of the others fitted.
  let noneFitted = false
  decrypter.addIdentity({
    unwrapFileKey: () => {
      noneFitted = true
      return null
    },
  })
  try {
    return await decrypter.decryptHeader(header)
  } catch (cause) {
    if (noneFitted) {
      throw new ArchiveError('None of the given keys opens the backup', {
        code: 'WRONG_KEY',
        hint: 'Use the key file (age identity) whose public key the backup was encrypted to.',
      })
    }
    throw new ArchiveError('The age header was altered', { code: 'INTEGRITY', cause })
  }
}
