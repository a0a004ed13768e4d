import { totalmem } from 'node:os'
import { Slots } from '#http/slots.ts'

/** What one takes at its peak, in MiB, as measured with parts of 20 MiB: five of them in the making and on their way, and threads. */
const UPLOAD_MIB = 160
/** Below that there would be no upload at all. */
export const LEAST_TRANSFER_MIB: number = UPLOAD_MIB
/** Three parts, and what lies between them and the client. */
const DOWNLOAD_MIB = 100
/** For what goes on besides: the program itself, and two jobs. */
const REST_MIB = 512
const MEBIBYTE = 2 ** 20

/** How much memory uploads and downloads may take together where nobody says it, in MiB: for one upload at least. */
export function defaultTransferMemory(): number {
  // Of a container, what it may have; 0 or a number beyond all bounds where nothing is set.
  const allowed = process.constrainedMemory()
  const bytes = allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()
  return Math.max(UPLOAD_MIB, Math.floor(bytes / MEBIBYTE) - REST_MIB)
}

/** A bound for the memory that all uploads and downloads of a process take. */
export class TransferMemory {
  readonly #slots: Slots

  constructor(mebibytes: number) {
    this.#slots = new Slots('MiB for uploads and downloads', mebibytes)
  }

  /** Does the work of an upload. Throws `OVERLOADED` when the memory for it is not there. */
  async upload<Result>(keyId: string, work: () => Promise<Result>): Promise<Result> {
    return await this.#slots.use(keyId, work, UPLOAD_MIB)
  }

  /** The same for a download. */
  async download<Result>(keyId: string, work: () => Promise<Result>): Promise<Result> {
    return await this.#slots.use(keyId, work, DOWNLOAD_MIB)
  }
}
