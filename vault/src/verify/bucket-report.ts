import type { Depth, Finding, Unproven } from '#verify/verification-report.ts'

/** A problem of one message of a pack. */
export interface PackFinding {
  /** UUID. */
  pack_id: string
  /** Its number in the bucket. */
  sequence: number
  chat_id: string
  message_id: number | null
  finding: Finding['finding']
  /** For people. */
  reason: string
  /** It was repaired from the other chat. */
  mended?: boolean
}

/** The verification of a bucket: of its packs in all chats. */
export interface BucketVerification {
  bucket_id: string
  bucket: string
  /** sound: no finding · mended: all findings were repaired · damaged: some were not. */
  state: 'sound' | 'mended' | 'damaged'
  depth: Depth
  packs: number
  /** Messages that were asked for. */
  messages: number
  /** Bytes as sent that were read. */
  bytes: number
  /** Live objects whose bytes were compared with their SHA-256. */
  objects: number
  findings: PackFinding[]
  unproven: Unproven[]
  /** Live objects with bytes that no chat has any more. */
  lost: number
  /** The first of their keys. */
  lost_keys: string[]
}
