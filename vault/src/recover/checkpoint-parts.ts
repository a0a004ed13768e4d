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

/** The parts of a checkpoint, read one after the other: there is memory for one. */
export class CheckpointParts {
  readonly id: string
  readonly #places: FoundCheckpoint['parts']
  readonly #of: PackReading
  readonly #read: ReadPart[] = []
  #first: ReadPack | undefined
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

  /** Those that were read so far. */
  get read(): readonly ReadPart[] {
    return this.#read
  }

  /** Opens the first part; undefined when it cannot be read. */
  async open(): Promise<{ header: PackHeader; cover: CheckpointCover } | undefined> {
    const [places] = this.#places
    const read = await this.#readPart(places, 1)
    if (read === undefined) return undefined
    this.#first = read
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
    for (const [at, places] of this.#places.entries()) {
      const read = at === 0 ? this.#first : await this.#readPart(places, at + 1)
      this.#first = undefined
      if (read === undefined) {
        const reason = this.#refused?.reason ?? 'is gone'
        throw new BackupError(`part ${at + 1} of the checkpoint ${reason}`, { code: 'INTEGRITY' })
      }
      const { pack, size, encrypted, place } = read
      this.#read.push({ header: pack.header, places: [place, ...places.filter(isOther(place))], size, encrypted })
      yield pack
    }
  }

  async #readPart(places: PlacesOfPack, part: number): Promise<ReadPack | undefined> {
    const read = await readPack(places, this.#of)
    if (!('pack' in read)) {
      this.#refused = read
      return undefined
    }
    const { kind, checkpoint } = read.pack.header
    if (kind === 'checkpoint' && checkpoint?.id === this.id && checkpoint.part === part) return read
    this.#refused = { place: read.place, reason: 'is not that part', isGone: false, isLocked: false }
    return undefined
  }
}

function isOther(place: { reader: unknown; messageId: number }) {
  return (other: { reader: unknown; messageId: number }): boolean =>
    other.reader !== place.reader || other.messageId !== place.messageId
}
