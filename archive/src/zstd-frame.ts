import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { copyBytes } from '#copy-bytes.ts'

const MAGIC = 0xfd2fb528
/** Magic number, descriptor and checksum. */
const MIN_FRAME_BYTES = 9
/** Spare output shows Node that nothing follows. */
const OUTPUT_SPARE_BYTES = 64
/** Room for a block or its frame; longer results come in pieces. */
const MAX_PIECE_BYTES: number = maxFrameSizeBytes(1024 * 1024)
/** zstd's smallest window, as a power of two. */
const MIN_WINDOW_LOG = 10

/** A frame of one segment, whose size has four bytes (RFC 8878, 3.1.1.1). */
const STORED_DESCRIPTOR = 0xa0
/** Magic number, descriptor and size. */
const STORED_HEADER_BYTES = 9
const BLOCK_HEADER_BYTES = 3
const MAX_BLOCK_BYTES = 128 * 1024

/** The longest frame for that size (`ZSTD_COMPRESSBOUND` in zstd.h, rounded up). */
export function maxFrameSizeBytes(plainSize: number): number {
  return plainSize + (plainSize >> 8) + 64
}

/**
 * One zstd frame of level 3, with size and checksum, in its own memory, as large as the bytes.
 * @throws Error when zstd returns nothing or too much, which Node 24 does not report for all settings
 */
export function compressFrame(plain: Uint8Array): Buffer {
  const frame = zstdCompressSync(plain, {
    // One piece need not be joined.
    chunkSize: pieceBytes(maxFrameSizeBytes(plain.length)),
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
  })
  if (
    frame.length < MIN_FRAME_BYTES ||
    frame.length > maxFrameSizeBytes(plain.length) ||
    frame.readUInt32LE(0) !== MAGIC
  ) {
    throw new Error(`zstd made ${frame.length} bytes of ${plain.length}`)
  }
  return frame
}

/**
 * Writes a zstd frame that holds the bytes as they are, with their size and without a checksum, and returns
 * its length. It is never longer than {@link maxFrameSizeBytes}.
 * @param plain 1 to 4 GiB of bytes
 */
export function writeStoredFrame(plain: Uint8Array, into: Buffer): number {
  into.writeUInt32LE(MAGIC, 0)
  into[4] = STORED_DESCRIPTOR
  into.writeUInt32LE(plain.length, 5)
  let end = STORED_HEADER_BYTES
  for (let start = 0; start < plain.length; start += MAX_BLOCK_BYTES) {
    const block = plain.subarray(start, start + MAX_BLOCK_BYTES)
    const isLast = start + MAX_BLOCK_BYTES >= plain.length
    // RFC 8878, 3.1.1.2: whether it is the last, its type (0: as it is), and its size.
    into.writeUIntLE(Number(isLast) + (block.length << 3), end, BLOCK_HEADER_BYTES)
    copyBytes(into, block, end + BLOCK_HEADER_BYTES)
    end += BLOCK_HEADER_BYTES + block.length
  }
  return end
}

/**
 * The plain bytes of exactly one frame, in their own memory.
 * @throws Error for a damaged frame, one that needs more than `maxPlainBytes`, or with something behind it,
 * which Node would ignore and the zstd program would not
 */
export function decompressFrame(frame: Uint8Array, maxPlainBytes: number): Buffer {
  const { plain, frameSize } = decompressFirstFrame(frame, maxPlainBytes)
  if (frameSize !== frame.length)
    throw new Error(`The frame has ${frameSize} bytes instead of ${frame.length}`)
  return plain
}

/**
 * The plain bytes of the first of several frames, and its length.
 * @throws Error for a damaged frame, or one that needs more than `maxPlainBytes`
 */
export function decompressFirstFrame(
  frames: Uint8Array,
  maxPlainBytes: number,
): { plain: Buffer; frameSize: number } {
  const windowLogMax = Math.max(MIN_WINDOW_LOG, Math.ceil(Math.log2(maxPlainBytes)))
  const result: unknown = zstdDecompressSync(frames, {
    // One piece is a quarter faster, four times for incompressible bytes.
    chunkSize: pieceBytes(maxPlainBytes),
    maxOutputLength: maxPlainBytes,
    params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
    info: true,
  })
  // With `info`, zlib also returns the engine; the types do not say so.
  const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
  return { plain: buffer, frameSize: engine.bytesWritten }
}

/** Size of Node's result memory, too large for the shared pool. */
function pieceBytes(maxResultBytes: number): number {
  return Math.max(Buffer.poolSize, Math.min(maxResultBytes, MAX_PIECE_BYTES) + OUTPUT_SPARE_BYTES)
}
