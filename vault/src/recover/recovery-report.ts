import type { BackupState, BucketKind, ImportOutcome } from '@telegram-backup/database'
import type { RecoveredPlans } from '#recover/recovered-plans.ts'

/** What a recovery found and did. */
export interface RecoveryReport {
  chatId: string
  chatTitle: string
  botUsername: string
  /** The index that was read; null without a usable one. */
  index: { messageId: number; edition: string; drawnAt: string; foundBy: 'pin' | 'caption' } | null
  /** Problems with the index, a sentence each. */
  notes: string[]
  /** Fingerprint of the believed key; null when nothing signed was read. */
  signer: string | null
  /** Whether a person named the keys to believe; otherwise the first one was believed. */
  signerWasGiven: boolean
  /** Whether it is this machine's own key. */
  signerIsOwn: boolean
  /** Whether a key that a person named led to it: each key in between named the next one. */
  signerIsSuccessor: boolean
  /** Fingerprints of keys with valid signatures that are not believed. */
  otherSigners: readonly string[]
  /**
   * Nothing was opened without a key: sizes, hashes and expiry are missing, and the chat was not taken over.
   */
  withoutKey: boolean
  backups: RecoveredBackup[]
  refused: RefusedManifest[]
  /** The number of records of evidence that the catalog has from this chat. */
  evidence: number
  /** Buckets, from all chats together; empty in the report of the second chat. */
  buckets: RecoveredBucket[]
  /** Packs of all chats that are there and were not taken. */
  refusedPacks: RefusedPackReport[]
  /** The number of messages that were read. */
  lookedAt: number
  /** The owner of the chat now; null when the chat was not taken over. */
  owner: { catalogId: string; generation: number } | null
  /** The number of messages far below all of ours that were not read; most likely people wrote them. */
  unread: number
  /** An index was read in some chat; only an index names schedules, retention and pins. */
  hasIndex: boolean
  /** The plans of the newest index; null when the chat was not taken over, and for the second chat. */
  plans: RecoveredPlans | null
  /** Why the new index is not in the chat; null when it is, or when none was to be written. */
  indexFailure: string | null
  /** Null when none is configured, and in the report of the second chat itself. */
  secondChat: SecondChatReport | null
}

/** A manifest that is damaged, or not believed. */
export interface RefusedManifest {
  messageId: number
  backupId: string
  reason: string
}

/** A bucket, as the catalog has it after the recovery. Sizes in bytes. */
export interface RecoveredBucket {
  id: string
  name: string
  kind: BucketKind
  project: string
  outcome: 'added' | 'known'
  /** Live objects. */
  objects: number
  bytes: number
  /** A table of objects was read; otherwise the packs alone. */
  hasCheckpoint: boolean
  /** Packs whose records were read. */
  packs: number
  /** Live objects with bytes that no chat has any more, and the first of their keys. */
  lost: number
  lostKeys: string[]
  /** What the chats have lost, a sentence each. */
  findings: string[]
}

/** A pack that is damaged, not believed, or not what its caption says. */
export interface RefusedPackReport {
  packId: string
  bucketId: string
  chatId: string
  messageId: number
  /** The end of a sentence. */
  reason: string
}

interface SecondChatReport {
  /** As it is configured. */
  chat: string
  /** Null when it could not be opened. */
  report: RecoveryReport | null
  /** Why it was not read, or not to its end. */
  failure: string | null
}

export interface RecoveredBackup {
  id: string
  project: string
  type: string
  state: BackupState
  createdAt: string
  /** Plain bytes; null when unknown. */
  size: number | null
  parts: number
  /** `bettered`: the catalog knew it from a chat only, with less trust. */
  outcome: ImportOutcome
  /** It is complete, but something is missing now, or was found wrong before. */
  isDamaged: boolean
  /** `1 file missing`, which the send allowed; null for nothing. */
  missing: string | null
  /** What is missing, for people. */
  findings: string[]
}

/** Whether something is missing, damaged, refused or not done. */
export function isIncomplete(report: RecoveryReport): boolean {
  return (
    report.withoutKey ||
    report.refused.length > 0 ||
    report.refusedPacks.length > 0 ||
    report.buckets.some(({ lost, findings }) => lost > 0 || findings.length > 0) ||
    report.indexFailure !== null ||
    arePlansLost(report) ||
    isSecondIncomplete(report.secondChat) ||
    report.backups.some(backup => backup.isDamaged)
  )
}

/** There are manifests or packs, and all of them need another key, or are damaged. */
export function isAllRefused(report: RecoveryReport): boolean {
  const reports = [report, report.secondChat?.report].filter(one => one != null)
  const isSomeRefused = reports.some(one => one.refused.length > 0 || one.refusedPacks.length > 0)
  return isSomeRefused && reports.every(one => one.backups.length === 0 && one.buckets.length === 0)
}

/** The chat was taken over without an index: its schedules, policies and pins are lost. */
export function arePlansLost({ plans, hasIndex, backups, buckets }: RecoveryReport): boolean {
  return plans !== null && !hasIndex && backups.length + buckets.length > 0
}

function isSecondIncomplete(second: SecondChatReport | null): boolean {
  if (second === null) return false
  return second.failure !== null || (second.report !== null && isIncomplete(second.report))
}
