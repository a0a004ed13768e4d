import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { copyBytes } from '#copy-bytes.ts'
import { freeNow } from '#transient-memory.ts'

// The payload of an age file (age-encryption.org/v1, "Payload"): a nonce, then chunks, each under
// ChaCha20-Poly1305 with a counter and a flag on the last. The age library does this in JavaScript, at a
// tenth of the speed.

/** Plain bytes in a chunk; the last may be shorter. */
const CHUNK_BYTES = 65_536
const TAG_BYTES = 16
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
export const PAYLOAD_NONCE_BYTES = 16
/** After these chunks (2 MiB, about 2 ms) other work of the main thread gets a turn. */
const CHUNKS_PER_TURN = 32

/** Size of the payload, nonce included. An empty input is one empty chunk. */
export function payloadSizeBytes(plainSize: number): number {
  const chunks = Math.max(1, Math.ceil(plainSize / CHUNK_BYTES))
  return PAYLOAD_NONCE_BYTES + plainSize + chunks * TAG_BYTES
}

/** Most plain bytes for a payload of `payloadSize` bytes; negative if not even an empty one fits. */
export function payloadCapacityBytes(payloadSize: number): number {
  const room = payloadSize - PAYLOAD_NONCE_BYTES
  const rest = room % SEALED_CHUNK_BYTES
  const fullChunks = (room - rest) / SEALED_CHUNK_BYTES
  if (fullChunks === 0) return rest - TAG_BYTES
  return fullChunks * CHUNK_BYTES + Math.max(0, rest - TAG_BYTES)
}

/** Encrypts into `into`, which must have {@link payloadSizeBytes}. The nonce must be new. */
export async function encryptPayload(
  plain: Uint8Array,
  key: { fileKey: Uint8Array; nonce: Uint8Array },
  into: Uint8Array,
): Promise<void> {
  if (into.length !== payloadSizeBytes(plain.length)) throw new RangeError('wrong size for the payload')
  into.set(key.nonce, 0)
  const streamKey = deriveStreamKey(key.fileKey, key.nonce)
  const chunks = Math.max(1, Math.ceil(plain.length / CHUNK_BYTES))
  for (let index = 0; index < chunks; index++) {
    const chunk = plain.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)
    const target = PAYLOAD_NONCE_BYTES + index * SEALED_CHUNK_BYTES
    const cipher = createCipheriv('chacha20-poly1305', streamKey, chunkNonce(index, index === chunks - 1), {
      authTagLength: TAG_BYTES,
    })
    const sealed = cipher.update(chunk)
    copyBytes(into, sealed, target)
    freeNow(sealed)
    cipher.final()
    into.set(cipher.getAuthTag(), target + chunk.length)
    if (index % CHUNKS_PER_TURN === CHUNKS_PER_TURN - 1) await nextTurn()
  }
}

/**
 * Decrypts a payload. Each chunk comes out after its tag was checked, and is valid until the next one. The
 * bytes are complete only when the iteration ends without an error.
 * @throws Error when a tag does not fit, or the payload is cut or continued at any byte
 */
export function* decryptChunks(payload: Uint8Array, fileKey: Uint8Array): Generator<Uint8Array, void> {
  yield* decryptRange(payload, fileKey, { start: 0, end: Number.MAX_SAFE_INTEGER })
}

/**
 * The same for a range of the plain bytes: only its chunks are decrypted. Whether anything else was altered
 * does not show, nor whether the payload was cut where a chunk ends.
 * @param range bytes from `start` to before `end`, or to the end of the payload
 * @throws Error as {@link decryptChunks}
 */
export function* decryptRange(
  payload: Uint8Array,
  fileKey: Uint8Array,
  range: { start: number; end: number },
): Generator<Uint8Array, void> {
  const sealed = payload.subarray(PAYLOAD_NONCE_BYTES)
  if (sealed.length < TAG_BYTES) throw new Error('the payload is cut short')
  const chunks = Math.ceil(sealed.length / SEALED_CHUNK_BYTES)
  const lastChunkBytes = sealed.length - (chunks - 1) * SEALED_CHUNK_BYTES - TAG_BYTES
  // Only the first chunk may be empty: a payload has one form.
  if (lastChunkBytes < (chunks === 1 ? 0 : 1)) throw new Error('the last chunk is empty or cut short')
  const streamKey = deriveStreamKey(fileKey, payload.subarray(0, PAYLOAD_NONCE_BYTES))
  const first = Math.floor(range.start / CHUNK_BYTES)
  const end = Math.min(chunks, Math.ceil(range.end / CHUNK_BYTES))
  for (let index = first; index < end; index++) {
    const chunk = sealed.subarray(index * SEALED_CHUNK_BYTES, (index + 1) * SEALED_CHUNK_BYTES)
    const body = chunk.subarray(0, chunk.length - TAG_BYTES)
    const cipher = createDecipheriv('chacha20-poly1305', streamKey, chunkNonce(index, index === chunks - 1), {
      authTagLength: TAG_BYTES,
    })
    cipher.setAuthTag(chunk.subarray(body.length))
    const plain = cipher.update(body)
    cipher.final()
    yield plain.subarray(
      Math.max(0, range.start - index * CHUNK_BYTES),
      Math.min(plain.length, range.end - index * CHUNK_BYTES),
    )
    freeNow(plain)
  }
}

/** A key object: bytes would be checked and copied for each chunk. */
function deriveStreamKey(fileKey: Uint8Array, nonce: Uint8Array): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', fileKey, nonce, 'payload', 32)))
}

/** Eleven bytes of counter, big endian, and the flag. */
function chunkNonce(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(index, 5, 6)
  nonce[11] = last ? 1 : 0
  return nonce
}
