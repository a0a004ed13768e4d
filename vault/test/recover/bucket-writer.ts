import { randomUUID } from 'node:crypto'
import { PackBuilder, type PackedExtent, type PutRecord, writeCheckpoint } from '@telegram-backup/archive'
import {
  acquireLease,
  type Bucket,
  beginCheckpoint,
  beginPackErase,
  beginUpload,
  confirmCheckpoint,
  confirmPackCopy,
  createBucket,
  deadPacks,
  deleteObject,
  endPackErase,
  findPack,
  intendPackCopy,
  markPackMessage,
  purgeObjects,
  reservePack,
  untoldDeletes,
  withCheckpointSnapshot,
} from '@telegram-backup/database'
import type { Machine } from '@telegram-backup/test-support/machines.ts'
import type { TestVault } from '@telegram-backup/test-support/vault.ts'
import { refreshIndex, writePackCaption } from 'telegram-deployment-bot'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { PackSender, type PackToSend } from '#objects/messages/pack-sender.ts'
import { Writer } from '#objects/messages/writer.ts'
import { factsOf, intended, objectLine, packLine } from '#test/recover/bucket-records.ts'

/** Small, so that a checkpoint has several parts. */
const PACK_SIZE_BYTES = 64 * 1024

/** Puts objects of one bucket into a chat, pack by pack, so that a test decides what is in which pack. */
export class BucketWriter {
  readonly bucket: Bucket
  readonly #machine: Machine
  readonly #vault: TestVault
  readonly #chatId: string
  readonly #sender: PackSender
  readonly #writer: Writer
  readonly #signal = new AbortController().signal

  private constructor(machine: Machine, of: { vault: TestVault; bucket: Bucket; chatId: number }) {
    this.#machine = machine
    this.#vault = of.vault
    this.#chatId = String(of.chatId)
    this.bucket = of.bucket
    this.#writer = new Writer(machine.database)
    this.#sender = new PackSender({
      ...{ client: machine.client, database: machine.database, signingKey: machine.signingKey },
      ...{ vault: createCatalogVault(machine.database), writer: this.#writer, signal: this.#signal },
      chat: this.#chatId,
      encryption: { recipients: [of.vault.recipient] },
    })
  }

  static async open(
    machine: Machine,
    vault: TestVault,
    of: { bucket?: Bucket; chatId?: number; undeleteMs?: number } = {},
  ): Promise<BucketWriter> {
    const { chatId = vault.chatId, undeleteMs } = of
    const bucket =
      of.bucket ??
      (await createBucket(machine.database, {
        ...{ name: `b-${randomUUID().slice(0, 8)}`, kind: 'restic', projectId: 'shop', undeleteMs },
      }))
    return new BucketWriter(machine, { vault, bucket, chatId })
  }

  /** One pack with these objects; it also tells what was deleted. Returns its message. */
  async put(objects: Readonly<Record<string, Buffer>>): Promise<number> {
    const builder = this.#builder()
    const puts = Object.entries(objects).map(([key, bytes]): PutRecord => {
      const extents = bytes.length === 0 ? [] : [builder.add(bytes)]
      return { put: key, ...factsOf(bytes), at: new Date().toISOString(), extents }
    })
    return await this.#send(builder, puts)
  }

  /** An object in packs of its own, one for each piece; returns their messages. */
  async putLarge(key: string, pieces: readonly Buffer[]): Promise<number[]> {
    const { database } = this.#machine
    const { id, ...facts } = factsOf(Buffer.concat(pieces))
    const lease = await this.#writer.lease()
    await beginUpload(database, { uploadId: id, bucketId: this.bucket.id, key, lease })
    const messages: number[] = []
    const extents: PackedExtent[] = []
    for (const [index, piece] of pieces.entries()) {
      const builder = this.#builder()
      const extent = builder.add(piece)
      const isLast = index === pieces.length - 1
      const at = extents.reduce((sum, { length }) => sum + length, 0)
      if (!isLast) builder.addRecord({ fragment: key, id, at, extent })
      const put: PutRecord = {
        put: key,
        id,
        ...facts,
        at: new Date().toISOString(),
        extents: [...extents, extent],
      }
      const { packId, messageId } = await this.#sendPack(
        builder,
        isLast ? [put] : [],
        isLast ? undefined : id,
      )
      extents.push({ pack: packId, ...extent })
      messages.push(messageId)
    }
    return messages
  }

  /** The next pack tells it. */
  async delete(key: string): Promise<void> {
    await deleteObject(this.#machine.database, { bucketId: this.bucket.id, key })
  }

  /** A pack that tells of deletions alone. */
  async tell(): Promise<number> {
    return await this.#send(this.#builder(), [])
  }

  /** The table of all objects; returns the messages of its parts. */
  async checkpoint({ isWhole = true }: { isWhole?: boolean } = {}): Promise<number[]> {
    const { database } = this.#machine
    const { id: bucketId } = this.bucket
    const lease = await acquireLease(database, { subject: bucketId, purpose: 'objects' })
    if (lease === null) throw new Error('somebody tends the bucket')
    try {
      return await withCheckpointSnapshot(database, bucketId, async snapshot => {
        const checkpointId = randomUUID()
        await beginCheckpoint(database, { checkpointId, bucketId, snapshot, lease })
        const lines = async function* () {
          for await (const packs of snapshot.packs()) for (const pack of packs) yield { pack: packLine(pack) }
          for await (const objects of snapshot.objects())
            for (const object of objects) yield { object: objectLine(object) }
        }
        const checkpoint = { id: checkpointId, upTo: snapshot.coversUpTo, not: snapshot.coversNot }
        const messages: number[] = []
        for await (const part of writeCheckpoint(lines(), { ...this.#builderOptions(), checkpoint })) {
          const turn = await this.#sender.takeTurn({ signal: this.#signal })
          const reserved = await reservePack(database, { bucketId, ...turn })
          const { packId, sequence, catalogId, at } = reserved
          const sealed = await part.seal({
            pack: packId,
            catalogId,
            sequence,
            createdAt: at.toISOString(),
            names: [],
          })
          const { messageId } = await this.#sender.send(
            {
              ...{ packId, sequence, bucket: this.bucket, createdAt: at, names: [], puts: [], deletes: [] },
              ...{ bytes: sealed.bytes, sha256: sealed.sha256, plainSize: sealed.plainSize, encrypted: true },
              checkpoint: { id: checkpointId, part: part.part, last: part.last },
            },
            turn,
            { signal: this.#signal },
          )
          messages.push(messageId)
          if (!isWhole) return messages
        }
        await confirmCheckpoint(database, { checkpointId, bucketId, partCount: messages.length, lease })
        return messages
      })
    } finally {
      await lease.release()
    }
  }

  /**
   * Removes what can be removed: versions for good, then packs that nothing needs. Returns their messages.
   */
  async collectGarbage(): Promise<number[]> {
    const { database, client } = this.#machine
    const { id: bucketId } = this.bucket
    await purgeObjects(database, { bucketId, limit: 10_000 })
    const lease = await acquireLease(database, { subject: bucketId, purpose: 'objects' })
    if (lease === null) throw new Error('somebody tends the bucket')
    try {
      const dead = await deadPacks(database, { bucketId, limit: 1_000 })
      const erasing = await beginPackErase(database, { bucketId, packIds: dead.map(({ id }) => id), lease })
      const gone: number[] = []
      for (const { id: packId, messages } of erasing) {
        for (const { chat_id: chatId, message_id: messageId } of messages) {
          if (messageId === null) continue
          await client.deleteMessage(chatId, messageId)
          await markPackMessage(database, { packId, chatId, state: 'erased' })
          gone.push(messageId)
        }
        await endPackErase(database, { packId, lease })
      }
      return gone
    } finally {
      await lease.release()
    }
  }

  /** Copies every pack that the second chat lacks. */
  async copyTo(replica: number, packIds: readonly string[]): Promise<void> {
    const { database, client } = this.#machine
    const chatId = String(replica)
    const catalog = await createCatalogVault(database).identity()
    for (const packId of packIds) {
      const pack = await findPack(database, packId)
      const [first] = pack?.messages ?? []
      if (pack === null || first?.file_id == null) throw new Error('the pack is not there')
      const { sendId } = await intendPackCopy(database, { packId, chatId, botId: client.botId })
      const caption = writePackCaption({
        ...{ packId, bucketId: this.bucket.id, sequence: pack.sequence, sha256: pack.sha256 },
        ...{ bucket: this.bucket.name, project: 'shop', createdAt: new Date() },
        catalog: { id: catalog.catalogId, generation: catalog.generation },
      })
      const sent = await client.sendStoredDocument({ chatId, fileId: first.file_id, caption })
      await confirmPackCopy(database, {
        ...{ packId, chatId, sendId, botId: client.botId },
        ...{ messageId: sent.messageId, fileId: sent.fileId, fileUniqueId: sent.fileUniqueId },
      })
    }
  }

  async refreshIndex(chatId: string = this.#chatId): Promise<void> {
    const { client, database, signingKey } = this.#machine
    const encryption = { recipients: [this.#vault.recipient] }
    await refreshIndex(client, createCatalogVault(database), { chatId, encryption, signingKey })
  }

  async #send(builder: PackBuilder, puts: readonly PutRecord[]): Promise<number> {
    return (await this.#sendPack(builder, puts, undefined)).messageId
  }

  async #sendPack(
    builder: PackBuilder,
    puts: readonly PutRecord[],
    uploadId: string | undefined,
  ): Promise<{ packId: string; messageId: number }> {
    const { database } = this.#machine
    const { id: bucketId } = this.bucket
    const turn = await this.#sender.takeTurn({ signal: this.#signal })
    const told = await untoldDeletes(database, { bucketId, limit: 1_000 })
    const reserved = await reservePack(database, { bucketId, ...turn })
    const { packId, sequence, catalogId, at } = reserved
    const records = puts.map(put => ({ ...put, at: at.toISOString() }))
    for (const record of records) builder.addRecord(record)
    for (const { id, key, deleted_at } of told)
      builder.addRecord({ delete: key, id, at: deleted_at.toISOString() })
    const { bytes, sha256, plainSize, encrypted, header } = await builder.seal({
      ...{ pack: packId, catalogId, sequence, createdAt: at.toISOString() },
      names: reserved.names.map(({ packId: pack, ...name }) => ({ pack, ...name })),
    })
    const pack: PackToSend = {
      ...{
        packId,
        sequence,
        bytes,
        sha256,
        plainSize,
        encrypted,
        uploadId,
        createdAt: at,
        bucket: this.bucket,
      },
      names: header.names.map(name => name.pack),
      puts: records.map(record => intended(packId, record)),
      deletes: told.map(({ id }) => id),
    }
    const { messageId } = await this.#sender.send(pack, turn, { signal: this.#signal })
    builder.release()
    return { packId, messageId }
  }

  #builder(): PackBuilder {
    return new PackBuilder(this.#builderOptions())
  }

  #builderOptions() {
    const { id, name, kind, project_id: project } = this.bucket
    return {
      bucket: { id, name, kind, project },
      encryption: { recipients: [this.#vault.recipient] },
      signingKey: this.#machine.signingKey,
      packSizeBytes: PACK_SIZE_BYTES,
    }
  }
}
