import type { CheckpointCover, PackedBucket, PackHeader, PackRecord } from '#packs/pack-header.ts'
import { PACK_LIMITS } from '#packs/pack-limits.ts'
import { canonicalJson } from '#signed-document.ts'
import type { SigningKey } from '#signing.ts'

/** At most, of a frame that is not there yet: `[1052672,1048576],` */
const FRAME_BYTES = 18
const UUID = '00000000-0000-4000-8000-000000000000'
const TIME = '2026-01-01T00:00:00.000Z'
const SHA256 = '0'.repeat(64)
/** Base64 of a signature, and of a key. */
const PROOFS = { signature: '0'.repeat(88), publicKey: '0'.repeat(44) }

/** How long a pack's header becomes, at most. */
export class HeaderRoom {
  readonly #baseBytes: number
  #recordsBytes = 0
  #framesBytes = 0

  constructor(of: { bucket: PackedBucket; signingKey: SigningKey; checkpoint: CheckpointCover | undefined }) {
    const { bucket, checkpoint } = of
    const { successions = [] } = of.signingKey
    const largest = Number.MAX_SAFE_INTEGER
    const name = { pack: UUID, sequence: largest, messageId: largest, size: largest, sha256: SHA256 }
    const header: PackHeader = {
      format: 1,
      kind: 'checkpoint',
      pack: UUID,
      bucket,
      catalogId: UUID,
      sequence: largest,
      createdAt: TIME,
      names: Array.from({ length: PACK_LIMITS.names }, () => name),
      frames: [],
      framesSha256: SHA256,
      records: [],
      ...(checkpoint && { checkpoint: { ...checkpoint, part: largest, last: false } }),
    }
    const envelope = { pack: canonicalJson(header), ...PROOFS, successions: successions.join('\n') }
    this.#baseBytes = Buffer.byteLength(JSON.stringify(envelope))
  }

  /** Of a header with the frames and records so far, that many more frames, and these records. */
  bytesWith(moreFrames: number, records: readonly PackRecord[]): number {
    const more = records.reduce((sum, record) => sum + recordBytes(record), 0)
    return this.#baseBytes + this.#framesBytes + moreFrames * FRAME_BYTES + this.#recordsBytes + more
  }

  takeFrame(size: number, plainSize: number): void {
    this.#framesBytes += `[${size},${plainSize}],`.length
  }

  take(record: PackRecord): void {
    this.#recordsBytes += recordBytes(record)
  }

  giveBack(record: PackRecord): void {
    this.#recordsBytes -= recordBytes(record)
  }
}

/** With the comma; a string in a string. */
function recordBytes(record: PackRecord): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(record))) - 1
}
