import {
  abandonPack,
  type Bucket,
  closeSend,
  confirmPack,
  type Database,
  intendPack,
  type Lease,
  type PackIntent,
  recentMessages,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import {
  DocumentSender,
  packFileName,
  type SenderRecords,
  type SentMessage,
  TelegramError,
  type Turn,
  writePackCaption,
} from 'telegram-deployment-bot'
import { type PackChat, PackChats, type PackChatsOptions } from '#objects/messages/pack-chats.ts'
import type { Writer } from '#objects/messages/writer.ts'

/** Packs of all buckets are one flow beside those of backup runs. */
const FLOW = 'doors'
/** How often messages of other processes are counted, in milliseconds. */
const COUNT_OTHERS_EVERY_MS = 30_000

export interface PackSenderOptions extends PackChatsOptions {
  database: Database
  /** Numeric or `@name`: the chat that packs go to first. */
  chat: string
  writer: Writer
}

/** The right to send one pack now; `reservePack` takes it as it is. One that is not used must be released. */
export interface PackTurn {
  readonly chatId: string
  readonly chat: PackChat
  /** Of the writer. */
  readonly lease: Lease
  readonly turn: Turn
  /** Gives it back unused; without effect after a send. */
  release(): void
}

/** A pack that is sealed under what `reservePack` gave, and what it does to the objects of its bucket. */
export type PackToSend = Pick<
  PackIntent,
  | 'packId'
  | 'sequence'
  | 'names'
  | 'sha256'
  | 'plainSize'
  | 'encrypted'
  | 'puts'
  | 'deletes'
  | 'uploadId'
  | 'undeletingTo'
> & {
  bucket: Pick<Bucket, 'id' | 'name' | 'project_id'>
  createdAt: Date
  /** As sent. */
  bytes: Buffer
  /** Of a part of a checkpoint. */
  checkpoint?: { id: string; part: number; last: boolean } | undefined
}

/** Whose message of which pack. */
export interface PackKey {
  kind: 'pack'
  packId: string
  chatId: string
}

/** Sends packs to the first chat, under the lease of a writer: P2 to P6 of `docs/protocol.md`. */
export class PackSender {
  readonly #options: PackSenderOptions
  readonly #chats: PackChats
  readonly #underWay = new Set<string>()
  #othersCountedAt = Number.NEGATIVE_INFINITY

  constructor(options: PackSenderOptions) {
    this.#options = options
    this.#chats = new PackChats(options)
  }

  /**
   * P2: waits for the pace of the chat; a pack should be closed only then. Throws `CONFIGURATION` for a chat
   * that is not ours, `CATALOG`, `CANCELLED`, and the client's errors.
   */
  async takeTurn({ signal }: { signal: AbortSignal }): Promise<PackTurn> {
    const { client, writer, onWait } = this.#options
    const chat = await this.#chats.enter(this.#options.chat)
    const { chatId } = chat
    const lease = await writer.lease()
    await this.#countOthers(chatId, lease)
    const turn = await client.takeTurn(chatId, { flow: FLOW, signal, onWait })
    return { chatId, chat, lease, turn, release: () => turn.release() }
  }

  /** Whether this process sends the pack now. One that it does not send, and is unproven, was left behind. */
  isUnderWay(packId: string): boolean {
    return this.#underWay.has(packId)
  }

  /**
   * P3 to P6. Resolves when the message is proven, the chat is still ours, and the catalog has committed the
   * pack. Uses the turn up. After an error nothing of the pack is visible, unless the catalog's answer was
   * lost; what may be in the chat is left to `reconcilePacks`. Throws `CONFLICT` when the pack must be sealed
   * again under a new sequence, `CONFIGURATION` when the chat belongs to another catalog, `LEASE_LOST`,
   * `CATALOG`, `CANCELLED`, and the client's errors.
   */
  async send(
    pack: PackToSend,
    turn: PackTurn,
    { signal }: { signal: AbortSignal },
  ): Promise<SentMessage & { chatId: string }> {
    this.#underWay.add(pack.packId)
    try {
      return await this.#sendTo(pack, turn, signal)
    } catch (error) {
      if (!(error instanceof TelegramError) || error.movedTo === undefined) throw error
      // A group has become a supergroup. Nothing came of the pack in the old one, and it goes to the new one.
      const moved = await this.takeTurn({ signal })
      try {
        if (moved.chatId === turn.chatId) throw error
        return await this.#sendTo(pack, moved, signal)
      } finally {
        moved.release()
      }
    } finally {
      turn.release()
      this.#underWay.delete(pack.packId)
    }
  }

  async #sendTo(
    pack: PackToSend,
    { chat, chatId, lease, turn }: PackTurn,
    signal: AbortSignal,
  ): Promise<SentMessage & { chatId: string }> {
    const { client, database, onWait = () => {} } = this.#options
    const { lostAnswers } = chat
    const records = packRecords(database, lease)
    const sender = new DocumentSender({ client, records, chatId, flow: FLOW, lostAnswers, onWait })
    const { packId, bytes, sha256 } = pack
    const fileName = fileNameOf(pack)
    const intend = { ...pack, lease, bucketId: pack.bucket.id, chatId, botId: client.botId, fileName }
    const { checkpoint } = pack
    try {
      const sent = await sender.send(
        {
          key: { kind: 'pack', packId, chatId },
          ...{ fileName, sizeBytes: bytes.length, sha256, turn },
          caption: await this.#captionOf(pack, chat),
          document: { bytes },
          // P3
          intend: () =>
            intendPack(database, {
              ...intend,
              sizeBytes: bytes.length,
              checkpoint: checkpoint && { id: checkpoint.id, partNumber: checkpoint.part },
            }),
          confirm: async ({ sendId, ...proof }) => {
            await chat.assertOwn() // P5
            await confirmPack(database, { packId, chatId, lease, botId: client.botId, sendId, ...proof }) // P6
          },
        },
        signal,
      )
      await sender.messages.eraseLateOnes(signal)
      return { ...sent, chatId }
    } catch (error) {
      await this.#giveUp(pack, { sender, lease, error })
      throw error
    }
  }

  /**
   * A pack that is in no chat for certain is forgotten. One that the catalog has refused is deleted first.
   * What else went wrong leaves its open send, which leads `reconcilePacks` to the message. Never fails.
   */
  async #giveUp(
    { packId }: PackToSend,
    { sender, lease, error }: { sender: DocumentSender<PackKey>; lease: Lease; error: unknown },
  ): Promise<void> {
    const { code } = describeError(error)
    if (code === 'CONFIGURATION' || code === 'REFUSED') this.#chats.leave(this.#options.chat)
    const { messages } = sender
    if (messages.count > 0 && code === 'CONFLICT') await messages.takeBack()
    if (messages.count > 0) return
    await abandonPack(this.#options.database, { packId, lease }).catch(() => {})
  }

  async #captionOf(pack: PackToSend, { indexMessageId }: PackChat): Promise<string> {
    const { packId, sequence, checkpoint, sha256, bucket, createdAt } = pack
    const { catalogId: id, generation } = await this.#options.vault.identity()
    return writePackCaption({
      ...{ packId, sequence, checkpoint, sha256, createdAt, indexMessageId },
      bucketId: bucket.id,
      bucket: bucket.name,
      project: bucket.project_id,
      catalog: { id, generation },
    })
  }

  /** Other processes send to the same chat, and Telegram counts the messages of all. */
  async #countOthers(chatId: string, lease: Lease): Promise<void> {
    const now = performance.now()
    const { client, database } = this.#options
    if (client.messagesPerMinute === 0 || now - this.#othersCountedAt < COUNT_OTHERS_EVERY_MS) return
    this.#othersCountedAt = now
    const earlier = await recentMessages(database, chatId)
    client.countEarlierMessages(chatId, { run: lease.subject, earlier })
  }
}

function packRecords(database: Database, lease: Lease): SenderRecords<PackKey> {
  return {
    holdsLease: () => lease.isHeld(),
    leaseLost: lease.signal,
    sendRefused: sendId => closeSend(database, sendId),
    // Its row goes with the pack.
    messageErased: async () => {},
  }
}

function fileNameOf({ bucket, packId, createdAt, encrypted, checkpoint }: PackToSend): string {
  const isCheckpoint = checkpoint !== undefined
  return packFileName({ bucket: bucket.name, packId, createdAt, isCheckpoint }, encrypted)
}
