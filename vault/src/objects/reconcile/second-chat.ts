import { findPack, findPacks, type Pack, type StoredObject } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import {
  type CopyPackTools,
  copyLackingPacks,
  copyPack,
  prepareForCopies,
} from '#objects/messages/copy-pack.ts'
import type { PackChats } from '#objects/messages/pack-chats.ts'
import type { Writer } from '#objects/messages/writer.ts'
import { lookForCopies } from '#objects/reconcile/repair-buckets.ts'
import type { TendedBucket } from '#objects/tended-bucket.ts'
import type { VaultSession } from '#session/session.ts'

export interface SecondChatTools extends CopyPackTools {
  chats: PackChats
  writer: Writer
  /** Numeric or `@name`. */
  chatId: string
  replicaChatId: string
  log: (line: string) => void
}

/** P8: the second chat gets a copy of each pack, by its file id. */
export class SecondChat {
  readonly #tools: SecondChatTools
  /** Ids of packs that are being copied. */
  readonly #underWay = new Set<string>()
  /** Callers that wait for a copy. */
  #waiting = 0
  /** The copies that nobody waits for. */
  #copying: Promise<unknown> = Promise.resolve()

  constructor(tools: SecondChatTools) {
    this.#tools = tools
  }

  /** Resolves when the second chat has the pack. Throws what `copyPack` throws. */
  async waitForPack(packId: string): Promise<void> {
    await this.#waitForAll([packId])
  }

  /**
   * The same for all packs of an object, which may have been stored when the second chat could not be
   * reached.
   */
  async waitForObject({ object, extents }: StoredObject): Promise<void> {
    const ids = extents.map(({ packId }) => packId)
    if (object.pack_id !== null) ids.push(object.pack_id)
    await this.#waitForAll(ids)
  }

  /** Copies that nobody waits for make room first: two copies of one pack at once would be one too many. */
  async #waitForAll(packIds: readonly string[]): Promise<void> {
    this.#waiting++
    try {
      await this.#copying
      for (const pack of await findPacks(this.#tools.database, packIds)) await this.#waitFor(pack)
    } finally {
      this.#waiting--
    }
  }

  /** Copies what either chat lacks of a bucket, as long as nobody waits for the pace, or for a copy. */
  async copyLacking(session: VaultSession, tended: TendedBucket): Promise<void> {
    const copying = this.#copying.then(() => this.#copyLacking(session, tended))
    this.#copying = copying.catch(() => {})
    await copying
  }

  async #copyLacking(session: VaultSession, { work, lease }: TendedBucket): Promise<void> {
    if (this.#waiting > 0) return
    const { chats, chatId, replicaChatId, client, writer, log } = this.#tools
    const { id: bucketId } = work.bucket
    const own = { writer: writer.subject, isUnderWay: (packId: string) => this.#underWay.has(packId) }
    await lookForCopies(session, { bucketId, lease, own })
    const both = [await chats.enter(chatId), await chats.enter(replicaChatId)] as const
    const { left } = await copyLackingPacks(this.#tools, {
      bucketId,
      chats: both,
      lease,
      mayGoOn: () => this.#waiting === 0 && both.every(chat => client.isIdle(chat.chatId)),
    })
    for (const { pack, chatId: where, reason } of left) {
      log(
        `Pack ${pack.sequence} of bucket ${work.bucket.name} could not be copied to chat ${where}: ${reason}`,
      )
    }
  }

  async #waitFor(pack: Pack): Promise<void> {
    const { chats, chatId, replicaChatId, writer } = this.#tools
    const to = await chats.enter(replicaChatId)
    if (pack.messages.some(message => message.chat_id === to.chatId && message.state === 'sent')) return
    await prepareForCopies(this.#tools, { bucketId: pack.bucket_id, to })
    const from = await chats.enter(chatId)
    this.#underWay.add(pack.id)
    try {
      await copyPack(this.#tools, pack, { from: from.chatId, to, lease: await writer.lease() })
    } catch (error) {
      const { code } = describeError(error)
      const now = code === 'CONFLICT' ? await findPack(this.#tools.database, pack.id) : null
      // Another process has copied it meanwhile.
      if (now?.messages.some(message => message.chat_id === to.chatId && message.state === 'sent')) return
      throw error
    } finally {
      this.#underWay.delete(pack.id)
    }
  }
}
