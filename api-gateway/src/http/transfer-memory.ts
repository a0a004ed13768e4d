import { DOWNLOAD_MIB, UPLOAD_MIB } from '@telegram-backup/engine/config/transfer-budget.ts'
import { Slots } from '#http/slots.ts'

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
