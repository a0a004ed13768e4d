import { type FoundObject, findPack, findPacks, type Pack } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { type CopyPackTools, copyLackingPacks, copyPack } from '#objects/copy-pack.ts'
import type { PackChats } from '#objects/pack-chats.ts'
import type { TendedBucket } from '#objects/upkeep.ts'
import type { Writer } from '#objects/writer.ts'

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

  constructor(tools: SecondChatTools) {
    this.#tools = tools
  }

  /** Resolves when the second chat has the pack. Throws what `copyPack` throws. */
  async waitForPack(packId: string): Promise<void> {
    const pack = await findPack(this.#tools.database, packId)
    if (pack !== null) await this.#waitFor(pack)
  }

  /** The same for all packs of an object, which may have been stored when the second chat could not be reached. */
  async waitForObject({ object, extents }: FoundObject): Promise<void> {
    const ids = extents.map(({ packId }) => packId)
    if (object.pack_id !== null) ids.push(object.pack_id)
    for (const pack of await findPacks(this.#tools.database, ids)) await this.#waitFor(pack)
  }

  /** Copies what either chat lacks of a bucket, as long as nobody waits for the pace. */
  async copyLacking({ work, lease }: TendedBucket): Promise<void> {
    const { chats, chatId, replicaChatId, client, log } = this.#tools
    const both = [await chats.enter(chatId), await chats.enter(replicaChatId)] as const
    const { left } = await copyLackingPacks(this.#tools, {
      bucketId: work.bucket.id,
      chats: both,
      lease,
      mayGoOn: () => both.every(chat => client.isIdle(chat.chatId)),
    })
    for (const { pack, chatId: where, reason } of left) {
      log(`Pack ${pack.sequence} of bucket ${work.bucket.name} could not be copied to chat ${where}: ${reason}`)
    }
  }

  async #waitFor(pack: Pack): Promise<void> {
    const { chats, chatId, replicaChatId, writer } = this.#tools
    const to = await chats.enter(replicaChatId)
    if (pack.messages.some(message => message.chat_id === to.chatId && message.state === 'sent')) return
    const from = await chats.enter(chatId)
    try {
      await copyPack(this.#tools, pack, { from: from.chatId, to, lease: await writer.lease() })
    } catch (error) {
      const { code } = describeError(error)
      const now = code === 'CONFLICT' ? await findPack(this.#tools.database, pack.id) : null
      // Another process has copied it meanwhile.
      if (now?.messages.some(message => message.chat_id === to.chatId && message.state === 'sent')) return
      throw error
    }
  }
}
