import { PUBLIC_FETCH_LIMIT_BYTES, type TelegramClient } from '#bot-api/telegram-client.ts'
import type { SentMessage } from '#services/backup-metadata.ts'
import { TelegramError } from '#telegram-error.ts'

/** A private server may give back larger files than the public one: the first large part is tried. */
export class LargePartProof {
  readonly #client: TelegramClient
  #largePartsComeBack = false

  constructor(client: TelegramClient) {
    this.#client = client
  }

  /** Throws `CONFIGURATION` when the server would not give back a part that it took. */
  async prove(sent: SentMessage, signal: AbortSignal): Promise<void> {
    if (this.#largePartsComeBack || sent.size <= PUBLIC_FETCH_LIMIT_BYTES) return
    await this.#client.locateFile(sent.fileId, { signal }).catch((error: unknown) => {
      if (!(error instanceof TelegramError) || error.code !== 'REFUSED') throw error
      throw new TelegramError(
        `The Bot API server took a part of ${sent.size} bytes, but would not give it back: ${error.description}`,
        {
          code: 'CONFIGURATION',
          cause: error,
          hint: 'Unset TELEGRAM_PART_SIZE, or run the Bot API server with --local.',
        },
      )
    })
    this.#largePartsComeBack = true
  }
}
