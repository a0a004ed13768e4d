// A pack: one message with objects of a bucket. Before encryption it is a skippable zstd frame with a signed
// header, and frames, as a part is (docs/format.md).

/** What a pack says about itself and the bucket. Bytes, hex, ISO 8601 in UTC. */
export interface PackHeader {
  format: 1
  kind: 'pack' | 'checkpoint'
  /** UUID. */
  pack: string
  bucket: PackedBucket
  catalogId: string
  /** Its number in the bucket, from 1. Larger ones are later. */
  sequence: number
  createdAt: string
  /** Proven packs that no earlier pack names, at most 16. */
  names: NamedPack[]
  /** Of each frame: its size, and the number of its plain bytes. A frame never crosses objects. */
  frames: [size: number, plainSize: number][]
  /** SHA-256 of all frames, as they are in the pack. */
  framesSha256: string
  /** What happens to objects, in order. Empty in a checkpoint. */
  records: PackRecord[]
  /** Only in a checkpoint, whose plain bytes are JSON lines (`CheckpointLine`). */
  checkpoint?: CheckpointPart
}

export interface PackedBucket {
  /** UUID. */
  id: string
  name: string
  kind: 'restic' | 's3'
  project: string
}

export interface NamedPack {
  pack: string
  sequence: number
  /** In the chat to which this pack was sent first. */
  messageId: number
  size: number
  sha256: string
}

/** Plain bytes of a pack; `pack` is absent for this pack itself. */
export interface PackedExtent {
  pack?: string
  offset: number
  length: number
}

export type PackRecord = PutRecord | DeleteRecord | FragmentRecord

/** The object exists from here on; one with the same key before it is deleted. It stands in its last pack. */
export interface PutRecord {
  put: string
  /** UUID of this version. */
  id: string
  size: number
  sha256: string
  etag?: string
  meta?: Record<string, string>
  /** When it was stored. */
  at: string
  /** The version whose place it takes: the same object in another place. That version never was. */
  moves?: string
  /** In order; together as long as the object. */
  extents: PackedExtent[]
}

/** That version of the object is deleted. */
export interface DeleteRecord {
  delete: string
  id: string
  at: string
}

/** Bytes of an object whose `put` record comes in a later pack. Without one they are garbage. */
export interface FragmentRecord {
  fragment: string
  /** UUID of the version. */
  id: string
  /** Where they belong in the object. */
  at: number
  extent: PackedExtent
}

export type CheckpointPart = CheckpointCover & CheckpointPlace

/** The same in all parts of a checkpoint. */
export interface CheckpointCover {
  /** UUID. */
  id: string
  /** It holds the records of all packs up to this sequence but those in `not`. */
  upTo: number
  not: number[]
}

export interface CheckpointPlace {
  /** From 1. */
  part: number
  last: boolean
}

/** A line of a checkpoint: a pack that is in a chat, or an object that is live or can be brought back. */
export type CheckpointLine = { pack: CheckpointedPack } | { object: CheckpointedObject }

export interface CheckpointedPack {
  id: string
  sequence: number
  size: number
  sha256: string
  plainSize: number
  encrypted: boolean
  messages: { chat: string; message: number; file?: string; bot?: string }[]
}

export type CheckpointedObject = Omit<PutRecord, 'put' | 'extents'> & {
  key: string
  pack: string
  sequence: number
  extents: Required<PackedExtent>[]
  deletedAt?: string
}
