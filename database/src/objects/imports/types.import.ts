import type { IntendedObject } from '#objects/packs/intended-objects.ts'
import type { BucketKind } from '#objects/types.object.ts'

// What comes from a chat: the types say what it should be, and imports check it.

/** A bucket as the index of a chat, or a pack, names it. */
export interface ImportedBucket {
  id: string
  name: string
  kind: BucketKind
  projectId: string
  createdAt?: Date | undefined
  undeleteMs?: number | undefined
  replica?: 'wait' | 'later' | undefined
  maxBytes?: number | null | undefined
  snapshotLimitHours?: number | null | undefined
  lastSnapshotAt?: Date | undefined
  /** Its messages are to be erased. */
  removedAt?: Date | undefined
  /** The moment to which it is being taken back; null: it is not. Absent where nothing says it. */
  undeletingTo?: Date | null | undefined
}

/** A pack that is in a chat. Sizes in bytes, hashes hex. */
export interface ImportedPack {
  id: string
  sequence: number
  fileName: string
  /** As sent. */
  size: number
  sha256: string
  plainSize: number
  encrypted: boolean
  /** Of a part of a checkpoint that was imported before. */
  checkpoint?: { id: string; partNumber: number } | undefined
  messages: readonly {
    chatId: string
    messageId: number
    fileId?: string | undefined
    botId?: string | undefined
    sentAt?: Date | undefined
  }[]
}

export interface ImportedCheckpoint {
  id: string
  /** When its snapshot was taken. */
  createdAt: Date
  coversUpTo: number
  coversNot: readonly number[]
  partCount: number
}

/** A version as a checkpoint lists it. */
export interface ImportedObject extends Omit<IntendedObject, 'content'> {
  /** Where its record stands, or stood. */
  packId: string
  sequence: number
  /** Of one that can be brought back. */
  deletedAt?: Date | undefined
}

/** What happened to objects, as the header of a pack says it. Times in ISO 8601. */
export type ReplayedRecord =
  | {
      put: string
      id: string
      size: number
      sha256: string
      etag?: string
      meta?: Record<string, string>
      at: string
      moves?: string
      extents: readonly { pack?: string; offset: number; length: number }[]
    }
  | { delete: string; id: string; at: string }
  | { fragment: string }

/** What an import did not take, and why, for people. */
export interface RefusedImport {
  /** Of the pack or the version. */
  id: string
  /** Of the object. */
  key?: string
  reason: string
}
