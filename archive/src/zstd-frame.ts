import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

const MAGIC = 0xfd2fb528
/** Magic number, descriptor, and the checksum: nothing shorter is a frame of ours. */
const MIN_FRAME_BYTES = 9
/** Room that is left when all is out tells Node that nothing follows. */
const OUTPUT_SPARE_BYTES = 64
/** Room for a block or its frame; longer results come in several pieces. */
const MAX_PIECE_BYTES: number = maxFrameSizeBytes(1024 * 1024)
/** Smallest window that zstd knows, as a power of two. */
const MIN_WINDOW_LOG = 10

/** The longest frame that zstd makes of so many bytes (`ZSTD_COMPRESSBOUND` in zstd.h, rounded up). */
export function maxFrameSizeBytes(plainSize: number): number {
  return plainSize + (plainSize >> 8) + 64
}

/**
 * Bytes as one zstd frame of level 3, with its size and a checksum. It lies in memory of its own, as large as
 * the bytes.
 * @throws Error when zstd returns nothing or too much, as Node 24 does without an error for other settings
 *   (nbWorkers with the asynchronous call).
 */
export function compressFrame(plain: Uint8Array): Buffer {
  const frame = zstdCompressSync(plain, {
    // In one piece, which Node need not join.
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
 * The plain bytes of exactly one frame, in memory of their own.
 * @throws Error when it is damaged, unpacks to more than `maxPlainBytes` or needs more memory than that, or when
 *   something follows the frame: Node would pass over it, the zstd program would not.
 */
export function decompressFrame(frame: Uint8Array, maxPlainBytes: number): Buffer {
  const { plain, frameSize } = decompressFirstFrame(frame, maxPlainBytes)
  if (frameSize !== frame.length)
    throw new Error(`The frame has ${frameSize} bytes instead of ${frame.length}`)
  return plain
}

/**
 * The plain bytes of the first of several frames, and how long that frame is.
 * @throws Error when it is damaged, unpacks to more than `maxPlainBytes` or needs more memory than that
 */
export function decompressFirstFrame(
  frames: Uint8Array,
  maxPlainBytes: number,
): { plain: Buffer; frameSize: number } {
  const windowLogMax = Math.max(MIN_WINDOW_LOG, Math.ceil(Math.log2(maxPlainBytes)))
  const result: unknown = zstdDecompressSync(frames, {
    // In one piece, too: a quarter faster, four times as fast for bytes that do not compress.
    chunkSize: pieceBytes(maxPlainBytes),
    maxOutputLength: maxPlainBytes,
    params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
    info: true,
  })
  // With `info`, zlib returns the engine, too; the type definitions do not say so.
  const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
  return { plain: buffer, frameSize: engine.bytesWritten }
}

/** The size in which Node is to allocate a result; too large for the memory that small Buffers share. */
function pieceBytes(maxResultBytes: number): number {
  return Math.max(Buffer.poolSize, Math.min(maxResultBytes, MAX_PIECE_BYTES) + OUTPUT_SPARE_BYTES)
}
