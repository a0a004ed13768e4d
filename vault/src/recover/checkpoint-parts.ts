import {
  type CheckpointCover,
  type CheckpointLine,
  type OpenedPack,
  type PackHeader,
  readCheckpoint,
} from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import type { FoundCheckpoint, PackPlace, PlacesOfPack } from '#recover/pack-places.ts'
import { type PackReading, type ReadPack, type RefusedPack, readPack } from '#recover/read-pack.ts'

/** A part that opened, and the messages that hold it. */
export interface ReadPart {
  header: PackHeader
  places: PlacesOfPack
  /** Bytes of the document. */
  size: number
  encrypted: boolean
}

/** So many bytes of parts are kept between two readings. */
const KEPT_BYTES = 64 * 1024 * 1024

/** The parts of a checkpoint, read one after the other. Its lines can be read again: small parts are kept. */
export class CheckpointParts {
  readonly id: string
  readonly #places: FoundCheckpoint['parts']
  readonly #of: PackReading
  /** By index; those that are kept. */
  readonly #kept = new Map<number, ReadPack>()
  #read: ReadPart[] = []
  #refused: RefusedPack | undefined

  constructor({ id, parts }: Pick<FoundCheckpoint, 'id' | 'parts'>, of: PackReading) {
    this.id = id
    this.#places = parts
    this.#of = of
  }

  /** Its first part. */
  get place(): PackPlace {
    return this.#places[0][0]
  }

  /** The part that could not be read. */
  get refused(): RefusedPack | undefined {
    return this.#refused
  }

  /** Those that were read by the last reading of all lines. */
  get read(): readonly ReadPart[] {
    return this.#read
  }

  /** Opens the first part; undefined when it cannot be read. */
  async open(): Promise<{ header: PackHeader; cover: CheckpointCover } | undefined> {
    const read = await this.#readPart(0)
    if (read === undefined) return undefined
    const { header } = read.pack
    const { checkpoint } = header
    return checkpoint && { header, cover: checkpoint }
  }

  /**
   * All lines, after `open`.
   * @throws BackupError `INTEGRITY` when a part cannot be read, or the parts are not one checkpoint
   */
  async *lines(): AsyncGenerator<CheckpointLine, void> {
    yield* readCheckpoint(this.#packs())
  }

  async *#packs(): AsyncGenerator<OpenedPack, void> {
    this.#read = []
    for (const [at, places] of this.#places.entries()) {
      const read = await this.#readPart(at)
      if (read === undefined) {
        const reason = this.#refused?.reason ?? 'is gone'
        throw new BackupError(`part ${at + 1} of the checkpoint ${reason}`, { code: 'INTEGRITY' })
      }
      const { pack, size, encrypted, place } = read
      const others = places.filter(({ reader }) => reader !== place.reader)
      this.#read.push({ header: pack.header, places: [place, ...others], size, encrypted })
      yield pack
    }
  }

  async #readPart(at: number): Promise<ReadPack | undefined> {
    const kept = this.#kept.get(at)
    const places = this.#places[at]
    if (kept !== undefined || places === undefined) return kept
    const read = await readPack(places, this.#of)
    if (!('pack' in read)) {
      this.#refused = read
      return undefined
    }
    const { kind, checkpoint } = read.pack.header
    if (kind === 'checkpoint' && checkpoint?.id === this.id && checkpoint.part === at + 1) {
      const bytes = this.#kept.values().reduce((sum, { size }) => sum + size, read.size)
      if (bytes <= KEPT_BYTES) this.#kept.set(at, read)
      return read
    }
    this.#refused = { place: read.place, reason: 'is not that part', isGone: false, isLocked: false }
    return undefined
  }
}
