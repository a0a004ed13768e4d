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
 * Most bytes of a part as sent: a bot can send 50 MB but fetch back only 20 MiB (`MAX_DOWNLOAD_FILE_SIZE` of
 * the Bot API server), less 64 KiB for safety.
 */
export const DEFAULT_PART_SIZE_BYTES: number = 20 * 1024 * 1024 - 64 * 1024
/** Smaller parts would be mostly headers. */
export const MIN_PART_SIZE_BYTES: number = 16 * 1024
/** The limit of a local Bot API server: "2000 MB", read as the smaller of its two meanings. */
export const MAX_PART_SIZE_BYTES: number = 2_000_000_000

const MIN_BLOCK_SIZE_BYTES = 1024
export const MAX_PADDING_BYTES: number = 64 * 1024
/** Digits of the largest frame size, and the comma. */
const MAX_FRAME_ENTRY_BYTES = 8

export interface PartPlan {
  /** Most bytes of a part as sent. */
  partSizeBytes: number
  /** Most bytes of a part before encryption, header included. */
  capacityBytes: number
  /** Most plain bytes of a frame; a power of two. */
  blockSizeBytes: number
  /** Header frame with the longest possible numbers, without frame sizes. */
  headerBaseBytes: number
}

/** The content of a part so far. */
export interface PartFill {
  frames: number
  framesBytes: number
  /** Length of the list of sizes in the header. */
  frameListBytes: number
}

/**
 * Decides block and part size: one block must fit into a part even if it does not compress.
 * @param recipientCount 0 means no encryption
 * @throws ArchiveError `CONFIGURATION` for a part size out of range, or too small for its recipients
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

export function takesFrame(plan: PartPlan, fill: PartFill, frameSizeBytes: number): boolean {
  return fill.frames < MAX_FRAMES && roomLeftBytes(plan, withFrame(fill, frameSizeBytes)) >= 0
}

export function withFrame(fill: PartFill, frameSizeBytes: number): PartFill {
  return {
    frames: fill.frames + 1,
    framesBytes: fill.framesBytes + frameSizeBytes,
    frameListBytes: fill.frameListBytes + String(frameSizeBytes).length + 1,
  }
}

/**
 * Longest padding of a part. Telegram throttles uploads of the same size, which parts of incompressible data
 * would have; a 64th of the part makes them differ enough.
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
