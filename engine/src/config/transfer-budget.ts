import { totalmem } from 'node:os'

/** The peak of one upload in MiB, measured with parts of 20 MiB: five parts at work, and threads. */
export const UPLOAD_MIB = 160
/** Of one download: three parts, and buffers. */
export const DOWNLOAD_MIB = 100
/** For the program itself, and two jobs. */
const REST_MIB = 512
const MEBIBYTE = 2 ** 20

/** The memory for all uploads and downloads together, in MiB; enough for one upload at least. */
export function defaultTransferMemory(): number {
  // The memory limit of a container; 0 or a huge number without one.
  const allowed = process.constrainedMemory()
  const bytes = allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()
  return Math.max(UPLOAD_MIB, Math.floor(bytes / MEBIBYTE) - REST_MIB)
}
