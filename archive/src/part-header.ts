import { ArchiveError } from '#archive-error.ts'
import { CheckedObject, SHA256_HEX, UUID } from '#checked-json.ts'
import { maxFrameSizeBytes } from '#zstd-frame.ts'

export interface BackupIdentity {
  /** UUID in lower case. */
  id: string
  /** At most 64 characters. */
  project: string
  /** At most 64 characters, for example `database`. */
  type: string
  /** Name for the restored bytes; at most 1,024 characters. */
  filename: string
}

/** The skippable frame at the beginning of a part. Sizes and offsets in bytes. */
export type PartHeader = PartFacts & PartPosition

/** The last part has the SHA-256 (hex) of the plain bytes of the whole. */
export type PartPosition = { last: false } | { last: true; wholeSha256: string }

interface PartFacts {
  format: 1
  backup: BackupIdentity
  /** From 1. */
  part: number
  /** In the whole. */
  plainOffset: number
  plainSize: number
  /** Hex. */
  plainSha256: string
  /** Most plain bytes of a frame; a power of two, at most {@link MAX_BLOCK_SIZE_BYTES}. */
  blockSize: number
  /** Sizes of the frames, in order; 1 to {@link MAX_FRAMES}, each as large as its block allows. */
  frames: number[]
}

/** Plain bytes of a zstd frame, at most and by default. */
export const MAX_BLOCK_SIZE_BYTES: number = 1024 * 1024
/** Most frames of a part. */
export const MAX_FRAMES = 4096
/** Longest content of the skippable frame, padding included. */
export const MAX_HEADER_BYTES: number = 128 * 1024

/** Magic number and length, little endian. */
export const SKIPPABLE_PREFIX_BYTES = 8
export const MAX_HEADER_FRAME_BYTES: number = SKIPPABLE_PREFIX_BYTES + MAX_HEADER_BYTES

/** The first magic number of skippable frames (RFC 8878, 3.1.2). */
const SKIPPABLE_MAGIC = 0x184d2a50
const SPACE = 0x20

/** The header as a skippable frame: JSON and `paddingBytes` spaces. */
export function encodePartHeader(header: PartHeader, paddingBytes: number): Buffer {
  const json = Buffer.from(JSON.stringify(header))
  const frame = Buffer.alloc(SKIPPABLE_PREFIX_BYTES + json.length + paddingBytes, SPACE)
  writeSkippablePrefix(frame, json.length + paddingBytes)
  json.copy(frame, SKIPPABLE_PREFIX_BYTES)
  return frame
}

/** Begins a skippable frame with that many bytes of content. */
export function writeSkippablePrefix(frame: Buffer, contentBytes: number): void {
  frame.writeUInt32LE(SKIPPABLE_MAGIC, 0)
  frame.writeUInt32LE(contentBytes, 4)
}

/**
 * Length of the skippable frame that begins with these {@link SKIPPABLE_PREFIX_BYTES} bytes, and has at most
 * `most` bytes of content.
 * @throws ArchiveError `INTEGRITY` when they begin no part
 */
export function headerFrameSizeBytes(prefix: Uint8Array, most: number = MAX_HEADER_BYTES): number {
  const bytes = Buffer.from(prefix.buffer, prefix.byteOffset, prefix.byteLength)
  if (bytes.length < SKIPPABLE_PREFIX_BYTES || bytes.readUInt32LE(0) !== SKIPPABLE_MAGIC) {
    throw new ArchiveError('The part does not begin with a part header', { code: 'INTEGRITY' })
  }
  const size = bytes.readUInt32LE(4)
  if (size > most) {
    throw new ArchiveError(`The part header claims ${size} bytes`, { code: 'INTEGRITY' })
  }
  return SKIPPABLE_PREFIX_BYTES + size
}

/** @throws ArchiveError `INTEGRITY` for anything but a header of format 1 */
export function decodeHeaderFrame(frame: Uint8Array): PartHeader {
  return parseHeader(frame.subarray(SKIPPABLE_PREFIX_BYTES))
}

/** @throws ArchiveError `INTEGRITY` unless the header's frames take that many bytes */
export function assertFramesTake(sizeBytes: number, { frames }: PartHeader): void {
  const framesSize = frames.reduce((sum, size) => sum + size, 0)
  if (framesSize !== sizeBytes) {
    throw new ArchiveError(`The frames take ${sizeBytes} bytes, the header says ${framesSize}`, {
      code: 'INTEGRITY',
    })
  }
}

/**
 * Splits a complete part into its header and its frames, which fill the rest exactly.
 * @throws ArchiveError `INTEGRITY`
 */
export function decodePartHeader<Memory extends ArrayBufferLike>(
  part: Uint8Array<Memory>,
): { header: PartHeader; frames: Uint8Array<Memory> } {
  const end = headerFrameSizeBytes(part.subarray(0, SKIPPABLE_PREFIX_BYTES))
  if (end > part.length) throw new ArchiveError('The part header is cut short', { code: 'INTEGRITY' })
  const header = decodeHeaderFrame(part.subarray(0, end))
  const frames = part.subarray(end)
  assertFramesTake(frames.length, header)
  return { header, frames }
}

/**
 * Only the identity: other fields of the caller's object must not get into a part header.
 * @throws ArchiveError `CONFIGURATION` when it does not fit into one
 */
export function checkedIdentity(backup: BackupIdentity): BackupIdentity {
  try {
    return readIdentity(new CheckedObject(backup))
  } catch (cause) {
    throw new ArchiveError('The backup cannot have this name', {
      code: 'CONFIGURATION',
      cause,
      hint: 'id: a UUID in lower case; project and type: up to 64 characters; filename: up to 1,024.',
    })
  }
}

/** @throws TypeError */
export function readIdentity(backup: CheckedObject): BackupIdentity {
  return {
    id: backup.matching('id', UUID),
    project: backup.text('project', 64),
    type: backup.text('type', 64),
    filename: backup.text('filename'),
  }
}

function parseHeader(json: Uint8Array): PartHeader {
  try {
    return readHeader(new CheckedObject(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))))
  } catch (cause) {
    throw new ArchiveError('The part header is not one of format 1', { code: 'INTEGRITY', cause })
  }
}

function readHeader(fields: CheckedObject): PartHeader {
  if (fields.integer('format') !== 1) throw new TypeError('another format than 1')
  const position: PartPosition = fields.boolean('last')
    ? { last: true, wholeSha256: fields.matching('wholeSha256', SHA256_HEX) }
    : { last: false }
  const blockSize = fields.integer('blockSize', 1)
  if (blockSize > MAX_BLOCK_SIZE_BYTES) throw new TypeError('blocks of more than 1 MiB')
  const frames = fields.array('frames', { least: 1, most: MAX_FRAMES })
  const plainSize = fields.integer('plainSize')
  if (plainSize > frames.length * blockSize) throw new TypeError('more plain bytes than its frames can hold')
  return {
    format: 1,
    backup: readIdentity(fields.object('backup')),
    part: fields.integer('part', 1),
    ...position,
    plainOffset: fields.integer('plainOffset'),
    plainSize,
    plainSha256: fields.matching('plainSha256', SHA256_HEX),
    blockSize,
    frames: frames.map(frame => frameSize(frame, maxFrameSizeBytes(blockSize))),
  }
}

function frameSize(value: unknown, most: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new TypeError('a frame size out of range')
  }
  return value
}
