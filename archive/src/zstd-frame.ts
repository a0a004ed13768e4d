import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

const MAGIC = 0xfd2fb528
/** Magic number, descriptor and checksum. */
const MIN_FRAME_BYTES = 9
/** Spare output shows Node that nothing follows. */
const OUTPUT_SPARE_BYTES = 64
/** Room for a block or its frame; longer results come in pieces. */
const MAX_PIECE_BYTES: number = maxFrameSizeBytes(1024 * 1024)
/** zstd's smallest window, as a power of two. */
const MIN_WINDOW_LOG = 10

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
