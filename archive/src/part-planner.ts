import { ageCapacityBytes } from '#age-file.ts'
import { ArchiveError } from '#archive-error.ts'
import {
  type BackupIdentity,
  MAX_BLOCK_SIZE_BYTES,
  MAX_FRAMES,
  type PartHeader,
  SKIPPABLE_PREFIX_BYTES,
} from '#part-header.ts'
import { maxFrameSizeBytes } from '#zstd-frame.ts'

/**
 * Size of a part as sent, at most: a bot can send 50 MB but fetch back only 20 MiB (`MAX_DOWNLOAD_FILE_SIZE` of the
 * Bot API server), less 64 KiB for safety.
 */
export const DEFAULT_PART_SIZE_BYTES: number = 20 * 1024 * 1024 - 64 * 1024
/** Smaller parts would consist of headers. */
export const MIN_PART_SIZE_BYTES: number = 16 * 1024
/** What a local Bot API server takes: "2000 MB" in its documentation, read as the smaller of the two meanings. */
export const MAX_PART_SIZE_BYTES: number = 2_000_000_000

const MIN_BLOCK_SIZE_BYTES = 1024
const MAX_PADDING_BYTES = 64 * 1024
/** Digits of the largest frame size, and the comma. */
const MAX_FRAME_ENTRY_BYTES = 8

/** How the parts of one archive are cut. */
export interface PartPlan {
  /** Bytes of a part as sent, at most. */
  partSizeBytes: number
  /** Bytes of a part before encryption, header included, at most. */
  capacityBytes: number
  /** Plain bytes in one frame, at most; a power of two. */
  blockSizeBytes: number
  /** Skippable frame with the longest possible numbers and without frame sizes. */
  headerBaseBytes: number
}

/** What a part holds already. Begin with zeros. */
export interface PartFill {
  frames: number
  /** Sum of the frames' sizes. */
  framesBytes: number
  /** Length of the frames' sizes as written in the header. */
  frameListBytes: number
}

/**
 * Decides block and part size, so that at least one block fits into a part however little it compresses.
 * @param recipientCount 0 stands for no encryption.
 * @throws ArchiveError `CONFIGURATION` when the part size is out of range, or too small for so many recipients.
 */
export function planParts(options: {
  partSizeBytes: number
  recipientCount: number
  backup: BackupIdentity
}): PartPlan {
  const { partSizeBytes, recipientCount } = options
  if (
    !Number.isInteger(partSizeBytes) ||
    partSizeBytes < MIN_PART_SIZE_BYTES ||
    partSizeBytes > MAX_PART_SIZE_BYTES
  ) {
    throw new ArchiveError(`A part cannot have ${partSizeBytes} bytes`, {
      code: 'CONFIGURATION',
      hint: `Choose a whole number from ${MIN_PART_SIZE_BYTES} to ${MAX_PART_SIZE_BYTES}.`,
    })
  }
  const capacityBytes = recipientCount === 0 ? partSizeBytes : ageCapacityBytes(partSizeBytes, recipientCount)
  const headerBaseBytes = longestHeaderBytes(options.backup)
  const room = capacityBytes - headerBaseBytes - MAX_FRAME_ENTRY_BYTES
  let blockSizeBytes = MAX_BLOCK_SIZE_BYTES
  while (maxFrameSizeBytes(blockSizeBytes) > room && blockSizeBytes >= MIN_BLOCK_SIZE_BYTES)
    blockSizeBytes /= 2
  if (blockSizeBytes < MIN_BLOCK_SIZE_BYTES) {
    throw new ArchiveError(`${recipientCount} recipients leave no room in a part`, {
      code: 'CONFIGURATION',
      hint: 'Choose larger parts or fewer recipients.',
    })
  }
  return { partSizeBytes, capacityBytes, blockSizeBytes, headerBaseBytes }
}

/** Whether a frame still fits into the part. */
export function takesFrame(plan: PartPlan, fill: PartFill, frameSizeBytes: number): boolean {
  return fill.frames < MAX_FRAMES && roomLeftBytes(plan, withFrame(fill, frameSizeBytes)) >= 0
}

/** What the part holds after one more frame. */
export function withFrame(fill: PartFill, frameSizeBytes: number): PartFill {
  return {
    frames: fill.frames + 1,
    framesBytes: fill.framesBytes + frameSizeBytes,
    frameListBytes: fill.frameListBytes + String(frameSizeBytes).length + 1,
  }
}

/**
 * Longest padding for a finished part. Parts of incompressible data would all have the same size, and Telegram
 * throttles uploads of the same size; a 64th of the part makes them differ enough.
 */
export function maxPaddingBytes(plan: PartPlan, fill: PartFill): number {
  return Math.min(roomLeftBytes(plan, fill), Math.floor(fill.framesBytes / 64), MAX_PADDING_BYTES)
}

function roomLeftBytes(plan: PartPlan, fill: PartFill): number {
  return plan.capacityBytes - plan.headerBaseBytes - fill.frameListBytes - fill.framesBytes
}

function longestHeaderBytes(backup: BackupIdentity): number {
  const header: PartHeader = {
    format: 1,
    backup,
    part: Number.MAX_SAFE_INTEGER,
    last: true,
    plainOffset: Number.MAX_SAFE_INTEGER,
    plainSize: Number.MAX_SAFE_INTEGER,
    plainSha256: '0'.repeat(64),
    wholeSha256: '0'.repeat(64),
    blockSize: MAX_BLOCK_SIZE_BYTES,
    frames: [],
  }
  return SKIPPABLE_PREFIX_BYTES + Buffer.byteLength(JSON.stringify(header))
}
