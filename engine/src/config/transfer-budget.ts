import { totalmem } from 'node:os'

/**
 * What an upload takes at its peak, in MiB, as measured with parts of 20 MiB: five of them in the making and
 * on their way, and threads. Below that there would be no upload at all.
 */
export const UPLOAD_MIB = 160
/** Three parts, and what lies between them and the client. */
export const DOWNLOAD_MIB = 100
/** For what goes on besides: the program itself, and two jobs. */
const REST_MIB = 512
const MEBIBYTE = 2 ** 20

/**
 * How much memory uploads and downloads may take together where nobody says it, in MiB: for one upload at
 * least.
 */
export function defaultTransferMemory(): number {
  // The memory limit of a container; 0 or a huge number when none is set.
  const allowed = process.constrainedMemory()
  const bytes = allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()
  return Math.max(UPLOAD_MIB, Math.floor(bytes / MEBIBYTE) - REST_MIB)
}
