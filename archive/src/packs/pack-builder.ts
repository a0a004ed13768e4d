import { randomInt } from 'node:crypto'
import { type AgeFileStart, ageCapacityBytes, ageFileSizeBytes, startAgeFile } from '#age-file.ts'
import { ArchiveError } from '#archive-error.ts'
import { checkedRecipients, type Encryption } from '#encryption.ts'
import { FrameWriter } from '#packs/frame-writer.ts'
import { HeaderRoom } from '#packs/header-room.ts'
import type {
  CheckpointCover,
  CheckpointPlace,
  NamedPack,
  PackedBucket,
  PackedExtent,
  PackHeader,
  PackRecord,
} from '#packs/pack-header.ts'
import { PACK_LIMITS } from '#packs/pack-limits.ts'
import { PackMemory } from '#packs/pack-memory.ts'
import { HERE, type PackPlace, type PackWork } from '#packs/pack-work.ts'
import { readPackHeader } from '#packs/read-header.ts'
import { SKIPPABLE_PREFIX_BYTES, writeSkippablePrefix } from '#part-header.ts'
import {
  DEFAULT_PART_SIZE_BYTES,
  MAX_PADDING_BYTES,
  MAX_PART_SIZE_BYTES,
  MIN_PART_SIZE_BYTES,
} from '#part-planner.ts'
import { canonicalJson, signText } from '#signed-document.ts'
import type { SigningKey } from '#signing.ts'
import { maxFrameSizeBytes } from '#zstd-frame.ts'

const SPACE = 0x20

export interface PackBuilderOptions {
  bucket: PackedBucket
  encryption: Encryption
  signingKey: SigningKey
  /** Most bytes of the pack as sent; default: those of a part. */
  packSizeBytes?: number
  /** The checkpoint that this pack is a part of. */
  checkpoint?: CheckpointCover | undefined
  /** Hashes and encrypts; default: the caller's thread. */
  work?: PackWork | undefined
}

/** What the catalog gives to a pack just before it is sealed. */
export interface PackIdentity {
  /** UUID. */
  pack: string
  catalogId: string
  sequence: number
  /** ISO 8601 in UTC. */
  createdAt: string
  /** The first {@link PACK_LIMITS}`.names` of them are named; the header says which. */
  names: readonly NamedPack[]
  /** Its place in the checkpoint; for a part of one. */
  place?: CheckpointPlace
}

export interface SealedPack {
  /** As sent; valid until the builder is sealed again or released. */
  bytes: Buffer
  /** Of `bytes`, hex. */
  sha256: string
  /** Plain bytes of its frames. */
  plainSize: number
  encrypted: boolean
  header: PackHeader
}

/** Fills one pack, in its own memory, and seals it there. */
export class PackBuilder {
  readonly #bucket: PackedBucket
  readonly #checkpoint: CheckpointCover | undefined
  readonly #recipients: readonly string[]
  readonly #signingKey: SigningKey
  /** Most bytes before encryption. */
  readonly #capacityBytes: number
  readonly #room: HeaderRoom
  readonly #memory: PackMemory
  readonly #work: PackWork
  readonly #writer = new FrameWriter()
  /** Where the frames begin; before them is room for the header and for growth. */
  readonly #framesStart: number
  readonly #frames: [size: number, plainSize: number][] = []
  readonly #records: PackRecord[] = []
  #framesSize = 0
  #plainSize = 0
  /** Of all frames, hex; once they are complete. */
  #framesSha256: string | undefined
  #encrypted: { file: AgeFileStart; place: PackPlace } | undefined
  #state: 'open' | 'sealed' | 'released' = 'open'

  /** @throws ArchiveError `NO_KEY`, `CONFIGURATION` (a malformed recipient, a size out of range) */
  constructor(options: PackBuilderOptions) {
    const { bucket, encryption, signingKey, packSizeBytes = DEFAULT_PART_SIZE_BYTES, checkpoint } = options
    this.#work = options.work ?? HERE
    this.#bucket = bucket
    this.#checkpoint = checkpoint
    this.#recipients = encryption === 'off' ? [] : checkedRecipients(encryption)
    this.#signingKey = signingKey
    if (
      !Number.isInteger(packSizeBytes) ||
      packSizeBytes < MIN_PART_SIZE_BYTES ||
      packSizeBytes > MAX_PART_SIZE_BYTES
    )
      throw new ArchiveError(`A pack cannot have ${packSizeBytes} bytes`, { code: 'CONFIGURATION' })
    const recipientCount = this.#recipients.length
    this.#capacityBytes =
      recipientCount === 0 ? packSizeBytes : ageCapacityBytes(packSizeBytes, recipientCount)
    this.#room = new HeaderRoom({ bucket, signingKey, checkpoint })
    const headerBytes = Math.min(this.#capacityBytes, SKIPPABLE_PREFIX_BYTES + PACK_LIMITS.headerBytes)
    this.#framesStart = this.#growthBytes(this.#capacityBytes) + headerBytes
    this.#memory = new PackMemory(this.#framesStart + this.#capacityBytes)
  }

  /** Plain bytes of all frames. */
  get plainSize(): number {
    return this.#plainSize
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0 && this.#records.length === 0
  }

  get records(): readonly PackRecord[] {
    return this.#records
  }

  /** Whether these plain bytes, added at once, and these records fit even if nothing can be compressed. */
  hasRoomFor(plainBytes: number, records: readonly PackRecord[] = []): boolean {
    const full = Math.floor(plainBytes / PACK_LIMITS.frameBytes)
    const rest = plainBytes % PACK_LIMITS.frameBytes
    const frames = full + (rest > 0 ? 1 : 0)
    const framesSize =
      full * maxFrameSizeBytes(PACK_LIMITS.frameBytes) + (rest > 0 ? maxFrameSizeBytes(rest) : 0)
    if (this.#frames.length + frames > PACK_LIMITS.frames) return false
    if (this.#records.length + records.length > PACK_LIMITS.records) return false
    const header = this.#room.bytesWith(frames, records)
    return (
      header <= PACK_LIMITS.headerBytes &&
      SKIPPABLE_PREFIX_BYTES + header + this.#framesSize + framesSize <= this.#capacityBytes
    )
  }

  /** The most plain bytes, up to `most`, that can be added at once beside these records. */
  roomFor(records: readonly PackRecord[], most: number): number {
    if (this.hasRoomFor(most, records)) return most
    let [fits, tooMany] = [0, most]
    while (tooMany - fits > 1) {
      const middle = Math.floor((fits + tooMany) / 2)
      if (this.hasRoomFor(middle, records)) fits = middle
      else tooMany = middle
    }
    return fits
  }

  /**
   * Compresses bytes of one object into frames of their own; the caller may reuse them at once.
   * @throws RangeError when nothing is added, there is no room, or the pack was sealed or released
   */
  add(plain: Uint8Array): Required<Omit<PackedExtent, 'pack'>> {
    if (this.#state !== 'open') throw new RangeError(`bytes for a pack that is ${this.#state}`)
    if (plain.length === 0 || !this.hasRoomFor(plain.length)) throw new RangeError('no room for these bytes')
    const offset = this.#plainSize
    for (let start = 0; start < plain.length; start += PACK_LIMITS.frameBytes)
      this.#addFrame(plain.subarray(start, start + PACK_LIMITS.frameBytes))
    return { offset, length: plain.length }
  }

  /** @throws RangeError when there is no room */
  addRecord(record: PackRecord): void {
    if (!this.hasRoomFor(0, [record])) throw new RangeError('no room for this record')
    this.#records.push(record)
    this.#room.take(record)
  }

  /** Its bytes stay in the pack, and nothing leads to them. */
  removeRecord(record: PackRecord): void {
    const at = this.#records.indexOf(record)
    if (at < 0) return
    this.#records.splice(at, 1)
    this.#room.giveBack(record)
  }

  /**
   * Signs and encrypts the pack in its memory. Again: the same content under another identity; the bytes
   * that were sealed before are no longer valid.
   * @throws ArchiveError `CONFIGURATION` when the header contradicts itself
   */
  async seal(identity: PackIdentity): Promise<SealedPack> {
    if (this.#state === 'released') throw new RangeError('the pack was released')
    this.#state = 'sealed'
    await this.#decryptAgain()
    this.#framesSha256 ??= await this.#work.hash(this.#memory, this.#framesPlace)
    const header = this.#headerOf(identity, this.#framesSha256)
    const plain = this.#withHeader(this.#signed(header))
    const encrypted = this.#recipients.length > 0
    const file = encrypted ? await startAgeFile(this.#recipients) : undefined
    const { start, end, sha256 } = await this.#work.seal(this.#memory, plain, file)
    if (file !== undefined) this.#encrypted = { file, place: { start, end } }
    const bytes = this.#memory.bytes.subarray(start, end)
    return { bytes, sha256, plainSize: this.#plainSize, encrypted, header }
  }

  /** Frees the memory at once. May be called twice. */
  release(): void {
    this.#state = 'released'
    this.#memory.free()
  }

  get #framesPlace(): PackPlace {
    return { start: this.#framesStart, end: this.#framesStart + this.#framesSize }
  }

  #addFrame(plain: Uint8Array): void {
    const size = this.#writer.write(plain, this.#memory.bytes.subarray(this.#framesPlace.end))
    this.#framesSize += size
    this.#plainSize += plain.length
    this.#frames.push([size, plain.length])
    this.#room.takeFrame(size, plain.length)
  }

  #headerOf(identity: PackIdentity, framesSha256: string): PackHeader {
    const { pack, catalogId, sequence, createdAt, names, place } = identity
    const checkpoint = this.#checkpoint && place && { ...this.#checkpoint, ...place }
    return {
      format: 1,
      kind: this.#checkpoint ? 'checkpoint' : 'pack',
      pack,
      catalogId,
      sequence,
      createdAt,
      bucket: this.#bucket,
      names: names.slice(0, PACK_LIMITS.names),
      frames: this.#frames,
      framesSha256,
      records: this.#records,
      ...(checkpoint && { checkpoint }),
    }
  }

  #signed(header: PackHeader): Buffer {
    const text = canonicalJson(header)
    try {
      readPackHeader(JSON.parse(text))
    } catch (cause) {
      throw new ArchiveError('The pack contradicts itself', { code: 'CONFIGURATION', cause })
    }
    return Buffer.from(signText('pack', text, this.#signingKey))
  }

  /** Writes the header before the frames; the pack before encryption. */
  #withHeader(envelope: Buffer): PackPlace {
    const contentBytes = envelope.length + this.#paddingBytes(envelope.length)
    const start = this.#framesStart - SKIPPABLE_PREFIX_BYTES - contentBytes
    const { end } = this.#framesPlace
    const pack = this.#memory.bytes.subarray(start, end)
    writeSkippablePrefix(pack, contentBytes)
    envelope.copy(pack, SKIPPABLE_PREFIX_BYTES)
    pack.fill(SPACE, SKIPPABLE_PREFIX_BYTES + envelope.length, SKIPPABLE_PREFIX_BYTES + contentBytes)
    return { start, end }
  }

  /** Telegram slows down documents of equal size, as those of incompressible data would be. */
  #paddingBytes(envelopeBytes: number): number {
    const room = Math.min(
      PACK_LIMITS.headerBytes - envelopeBytes,
      this.#capacityBytes - SKIPPABLE_PREFIX_BYTES - envelopeBytes - this.#framesSize,
    )
    if (room < 0) throw new ArchiveError('The pack is too large for its header', { code: 'CONFIGURATION' })
    return randomInt(Math.min(room, Math.floor(this.#framesSize / 64), MAX_PADDING_BYTES) + 1)
  }

  /** Brings the frames back to their place, for another header. */
  async #decryptAgain(): Promise<void> {
    if (!this.#encrypted) return
    const { file, place } = this.#encrypted
    const key = { headerBytes: file.header.length, fileKey: file.fileKey }
    const { end } = await this.#work.open(this.#memory, place, key)
    this.#memory.bytes.copyWithin(this.#framesStart, end - this.#framesSize, end)
    this.#encrypted = undefined
  }

  /** By how much encryption makes that many bytes longer. */
  #growthBytes(plainBytes: number): number {
    return this.#recipients.length === 0
      ? 0
      : ageFileSizeBytes(plainBytes, this.#recipients.length) - plainBytes
  }
}
