import { copyBytes } from '@telegram-backup/archive'
import {
  type Database,
  learnPackFile,
  markPackMessage,
  type Pack,
  type PackMessage,
} from '@telegram-backup/database'
import { BackupError, describeError, hint, run } from '@telegram-backup/errors'
import {
  type DocumentPlace,
  type FetchedFile,
  fetchDocument,
  followMovedChat,
  readDocument,
  type TelegramClient,
  type VaultLedger,
} from 'telegram-deployment-bot'
import type { PackCache } from '#objects/read/pack-cache.ts'

export interface PackDocumentsOptions {
  database: Database
  client: TelegramClient
  vault: VaultLedger
  cache: PackCache
  log: (line: string) => void
  signal: AbortSignal
}

/** Resumed with the result of the place before. */
type Attempts = AsyncGenerator<DocumentPlace, undefined, FetchedFile | undefined>

/** Documents of packs: from the cache, else from the first of its chats that gives it. */
export class PackDocuments {
  readonly #options: PackDocumentsOptions

  constructor(options: PackDocumentsOptions) {
    this.#options = options
  }

  /**
   * Bytes as they were sent, checked by their SHA-256, in `memory`. With `again` the cache keeps them; `kept`
   * resolves when it does not need that memory any more. Throws `INTEGRITY` when no chat gives them, and the
   * client's errors for an outage.
   */
  async fetch(
    pack: Pack,
    { memory, again }: { memory: Buffer; again: boolean },
  ): Promise<{ bytes: Buffer; kept: Promise<void> }> {
    const { cache } = this.#options
    const cached = await cache.read(pack, memory)
    if (cached !== undefined) return { bytes: cached, kept: Promise.resolve() }
    const bytes = await this.#download(pack, memory)
    // The reader need not wait for the disk.
    return { bytes, kept: again ? cache.write(pack, bytes) : Promise.resolve() }
  }

  async #download(pack: Pack, into: Buffer): Promise<Buffer> {
    const { client, signal } = this.#options
    const { size, sha256 } = pack
    const attempts = this.#attempts(pack)
    let isBegun = false
    const elsewhere = async (before: FetchedFile | undefined): Promise<DocumentPlace | undefined> => {
      const next = isBegun ? await attempts.next(before) : await attempts.next()
      isBegun = true
      return next.value
    }
    const name = `Pack ${pack.sequence}`
    const fetched = await fetchDocument(
      client,
      { fileId: undefined, size, sha256, elsewhere },
      { name, into, signal },
    )
    if (fetched.state === 'right') return placedIn(into, fetched.bytes)
    throw new BackupError(`The chat does not give back pack ${pack.sequence} as it was sent`, {
      code: 'INTEGRITY',
      hint: hint`Run "${run('verify')}" to see what is damaged.`,
      cause: 'failure' in fetched ? fetched.failure : undefined,
    })
  }

  /**
   * Each message of the pack: by its file id if that is this bot's, then by the message, whose new file id is
   * recorded. A message that is gone or changed is marked, so that it can be repaired from another chat.
   */
  async *#attempts(pack: Pack): Attempts {
    let outage: unknown
    for (const message of pack.messages.filter(leadsSomewhere).toSorted(soundFirst)) {
      const known = this.#knownFileId(message)
      const first = known === undefined ? undefined : yield { fileId: known, isBrief: true }
      if (first?.state === 'changed') await this.#mark(pack, message, 'damaged')
      try {
        const fileId = await this.#currentFileId(pack, message)
        if (fileId === undefined) continue
        const again = yield { fileId, isBrief: false }
        if (again?.state === 'changed') await this.#mark(pack, message, 'damaged')
      } catch (error) {
        if (describeError(error).code === 'CANCELLED') throw error
        outage ??= error
      }
    }
    if (outage !== undefined) throw outage
    return undefined
  }

  #knownFileId({ file_id, bot_id }: PackMessage): string | undefined {
    return bot_id === this.#options.client.botId ? (file_id ?? undefined) : undefined
  }

  /** Undefined when the message is gone, or is another one. */
  async #currentFileId(pack: Pack, message: PackMessage): Promise<string | undefined> {
    const { client, vault, database, signal } = this.#options
    const { chat_id: chatId, message_id: messageId } = message
    if (messageId === null) return undefined
    const current = await followMovedChat(client, vault, chatId, { signal })
    const movedTo = current === chatId ? undefined : current
    const { size, sha256 } = pack
    const seen = await readDocument(client, vault, {
      ...{ chatId, messageId, movedTo, signal },
      expected: { size, sha256 },
    })
    if (seen.outcome !== 'found') {
      await this.#mark(pack, message, seen.outcome === 'gone' ? 'missing' : 'damaged')
      return undefined
    }
    const { fileId, fileUniqueId } = seen
    await learnPackFile(database, {
      packId: pack.id,
      chatId,
      messageId,
      botId: client.botId,
      fileId,
      fileUniqueId,
    })
    return fileId
  }

  /** A failure to record it does not stop the reader. */
  async #mark(pack: Pack, message: PackMessage, state: 'missing' | 'damaged'): Promise<void> {
    const { database, log } = this.#options
    const { chat_id: chatId } = message
    log(`Pack ${pack.sequence} is ${state} in chat ${chatId}`)
    await markPackMessage(database, { packId: pack.id, chatId, state }).catch(error =>
      log(`The catalog could not record that: ${describeError(error).message}`),
    )
  }
}

/** A server that announces no length, or names a path on its disk, gives them in memory of their own. */
function placedIn(memory: Buffer, bytes: Buffer): Buffer {
  if (bytes.buffer === memory.buffer) return bytes
  copyBytes(memory, bytes)
  return memory.subarray(0, bytes.length)
}

function leadsSomewhere({ state, message_id, file_id }: PackMessage): boolean {
  return state !== 'erased' && state !== 'tombstone' && (message_id !== null || file_id !== null)
}

function soundFirst(a: PackMessage, b: PackMessage): number {
  return Number(b.state === 'sent') - Number(a.state === 'sent')
}
