import { CheckedObject, SHA256_HEX, UUID } from '#checked-json.ts'
import type { CheckpointPart, NamedPack, PackedBucket, PackHeader } from '#packs/pack-header.ts'
import { PACK_LIMITS } from '#packs/pack-limits.ts'
import { readRecord } from '#packs/read-records.ts'
import { maxFrameSizeBytes } from '#zstd-frame.ts'

/** As a bucket may be named; docs/doors.md says why. */
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

/** @throws TypeError for anything but a header of format 1 that agrees with itself */
export function readPackHeader(json: unknown): PackHeader {
  const fields = new CheckedObject(json)
  if (fields.integer('format') !== 1) throw new TypeError('another format than 1')
  const kind = fields.oneOf('kind', ['pack', 'checkpoint'])
  const pack = fields.matching('pack', UUID)
  const frames = fields.array('frames', { least: 0, most: PACK_LIMITS.frames }).map(readFrame)
  const plainSize = plainSizeOf(frames)
  const records = fields.array('records', { least: 0, most: PACK_LIMITS.records })
  if (kind === 'checkpoint' && records.length > 0) throw new TypeError('records in a checkpoint')
  if ((kind === 'checkpoint') !== fields.has('checkpoint')) throw new TypeError('a pack of two kinds')
  return {
    format: 1,
    kind,
    pack,
    bucket: readPackedBucket(fields.object('bucket')),
    catalogId: fields.matching('catalogId', UUID),
    sequence: fields.integer('sequence', 1),
    createdAt: fields.time('createdAt'),
    names: fields
      .array('names', { least: 0, most: PACK_LIMITS.names })
      .map(name => readName(new CheckedObject(name))),
    frames,
    framesSha256: fields.matching('framesSha256', SHA256_HEX),
    records: records.map(record => readRecord(new CheckedObject(record), { pack, plainSize })),
    ...(kind === 'checkpoint' && { checkpoint: readCheckpointPart(fields.object('checkpoint')) }),
  }
}

/** Plain bytes of these frames. */
function plainSizeOf(frames: PackHeader['frames']): number {
  return frames.reduce((sum, [, plainSize]) => sum + plainSize, 0)
}

/** @throws TypeError */
export function readPackedBucket(bucket: CheckedObject): PackedBucket {
  return {
    id: bucket.matching('id', UUID),
    name: bucket.matching('name', BUCKET_NAME),
    kind: bucket.oneOf('kind', ['restic', 's3']),
    project: bucket.storable('project', 64),
  }
}

function readName(name: CheckedObject): NamedPack {
  return {
    pack: name.matching('pack', UUID),
    sequence: name.integer('sequence', 1),
    messageId: name.integer('messageId', 1),
    size: name.integer('size', 1),
    sha256: name.matching('sha256', SHA256_HEX),
  }
}

function readFrame(value: unknown): [size: number, plainSize: number] {
  if (!Array.isArray(value) || value.length !== 2) throw new TypeError('a frame that is none')
  const [size, plainSize] = value as unknown[]
  const plain = boundedBy(PACK_LIMITS.frameBytes, plainSize)
  return [boundedBy(maxFrameSizeBytes(plain), size), plain]
}

function boundedBy(most: number, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= most) return value
  throw new TypeError('a frame size out of range')
}

function readCheckpointPart(fields: CheckedObject): CheckpointPart {
  return {
    id: fields.matching('id', UUID),
    part: fields.integer('part', 1),
    last: fields.boolean('last'),
    upTo: fields.integer('upTo'),
    not: fields.array('not', { least: 0, most: PACK_LIMITS.uncovered }).map(sequence => {
      if (typeof sequence === 'number' && Number.isSafeInteger(sequence) && sequence >= 1) return sequence
      throw new TypeError('a sequence that is none')
    }),
  }
}
