import { createHash, randomUUID } from 'node:crypto'
import {
  acquireLease,
  type Bucket,
  confirmPack,
  createBucket,
  type Database,
  type ImportedPack,
  type IntendedObject,
  intendPack,
  type Lease,
  type PackIntent,
  type ReservedPack,
  reservePack,
} from '#index.ts'
import { CHAT } from '#test/test-send.ts'

/** The SHA-256 of a text, hex. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A pack on its way: reserved, then intended, then confirmed. */
export interface TestPack extends ReservedPack {
  bucketId: string
  /** From `intend`. */
  sendId?: string
}

/** Sends packs of objects of one bucket, step by step, under one lease. */
export class TestWriter {
  readonly database: Database
  readonly bucket: Bucket
  readonly lease: Lease
  #messageId = 1_000

  private constructor(database: Database, bucket: Bucket, lease: Lease) {
    this.database = database
    this.bucket = bucket
    this.lease = lease
  }

  static async start(
    database: Database,
    settings: Partial<Parameters<typeof createBucket>[1]> = {},
  ): Promise<TestWriter> {
    const bucket = await createBucket(database, {
      name: `b-${randomUUID().slice(0, 8)}`,
      kind: 'restic',
      projectId: 'shop',
      ...settings,
    })
    return await TestWriter.join(database, bucket)
  }

  /** Another writer of the same bucket. */
  static async join(database: Database, bucket: Bucket): Promise<TestWriter> {
    const lease = await acquireLease(database, { subject: randomUUID(), purpose: 'objects' })
    if (lease === null) throw new Error('a new lease is free')
    return new TestWriter(database, bucket, lease)
  }

  async reserve(): Promise<TestPack> {
    const { bucket, database, lease } = this
    return {
      ...(await reservePack(database, { bucketId: bucket.id, chatId: CHAT, lease })),
      bucketId: bucket.id,
    }
  }

  /** A version whose bytes are the first ones of the pack. */
  put(pack: ReservedPack, key: string, more: Partial<IntendedObject> = {}): IntendedObject {
    const size = more.size ?? 10
    return {
      id: randomUUID(),
      key,
      size,
      sha256: sha256(key),
      storedAt: pack.at,
      extents: size === 0 ? [] : [{ packId: pack.packId, offset: 0, length: size }],
      ...more,
    }
  }

  async intend(pack: TestPack, more: Partial<PackIntent> = {}): Promise<TestPack> {
    const { lease, bucket, database } = this
    const { sendId } = await intendPack(database, {
      lease,
      bucketId: bucket.id,
      packId: pack.packId,
      sequence: pack.sequence,
      names: pack.names.map(({ packId }) => packId),
      chatId: CHAT,
      botId: '42',
      fileName: `${pack.packId}.zst.age`,
      sizeBytes: 100,
      sha256: sha256(pack.packId),
      plainSize: 80,
      encrypted: true,
      puts: [],
      deletes: [],
      ...more,
    })
    return Object.assign(pack, { sendId })
  }

  async confirm(pack: TestPack, messageId: number = this.nextMessage()): Promise<number> {
    const { database, lease } = this
    const { packId, sendId } = pack
    await confirmPack(database, {
      packId,
      chatId: CHAT,
      messageId,
      fileId: `f${messageId}`,
      botId: '42',
      sendId,
      lease,
    })
    return messageId
  }

  nextMessage(): number {
    this.#messageId += 1
    return this.#messageId
  }

  /** A whole pack with objects of these keys, of 10 bytes each. */
  async send(keys: readonly string[], more: Partial<PackIntent> = {}): Promise<TestPack> {
    const pack = await this.reserve()
    await this.intend(pack, { puts: keys.map(key => this.put(pack, key)), ...more })
    await this.confirm(pack)
    return pack
  }
}

/** Versions of 10 bytes each, one after the other in a pack. */
export function laidOut(pack: TestPack, puts: readonly IntendedObject[]): IntendedObject[] {
  return puts.map((put, at) => ({ ...put, extents: [{ packId: pack.packId, offset: 10 * at, length: 10 }] }))
}

/** A pack as it lies in the chat. */
export function importedPack(pack: TestPack, of: { plainSize: number; messageId: number }): ImportedPack {
  return {
    id: pack.packId,
    sequence: pack.sequence,
    fileName: `${pack.packId}.zst.age`,
    size: 100,
    sha256: sha256(pack.packId),
    plainSize: of.plainSize,
    encrypted: true,
    messages: [{ chatId: CHAT, messageId: of.messageId, fileId: `f${of.messageId}`, botId: '42' }],
  }
}
