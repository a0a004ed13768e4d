import { DOWNLOAD_MIB, UPLOAD_MIB } from '@telegram-backup/engine/config/transfer-budget.ts'
import type { Response } from 'express'
import { Slots } from '#http/slots.ts'

/** Limits the memory of all uploads and downloads of this process. Both methods throw `OVERLOADED`. */
export class TransferMemory {
  readonly #slots: Slots

  constructor(mebibytes: number) {
    this.#slots = new Slots('MiB for uploads and downloads', mebibytes)
  }

  upload<Result>(keyId: string, work: () => Promise<Result>): Promise<Result> {
    return this.#slots.use(keyId, work, UPLOAD_MIB)
  }

  download<Result>(keyId: string, work: () => Promise<Result>): Promise<Result> {
    return this.#slots.use(keyId, work, DOWNLOAD_MIB)
  }
}

const KIB = 1024
/** For all unread answers of this process. */
const MOST_KIB = 64 * KIB

/** Limits the memory of answers that clients have not read yet. */
export class UnreadAnswers {
  readonly #slots = new Slots('KiB of answers', MOST_KIB)

  /**
   * Sends JSON, which counts until the client has read it or has left. Throws `OVERLOADED` before it sends
   * anything. An answer that is larger than the limit is sent when no other is unread.
   */
  sendJson(response: Response, keyId: string, body: unknown): void {
    const bytes = Buffer.from(JSON.stringify(body))
    const leave = this.#slots.enter(keyId, Math.min(Math.ceil(bytes.length / KIB), MOST_KIB))
    response.once('close', leave)
    response.type('application/json').send(bytes)
  }
}
