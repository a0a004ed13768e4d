import type { BackupState, ImportOutcome } from '@telegram-backup/database'
import type { RecoveredPlans } from '#recover/recovered-plans.ts'

/** What `recover` found and did. */
export interface RecoveryReport {
  chatId: string
  chatTitle: string
  botUsername: string
  /** The index that was read; null when there is none that can be used. */
  index: { messageId: number; edition: string; drawnAt: string; foundBy: 'pin' | 'caption' } | null
  /** What was wrong with the index, or in its place; a sentence each. */
  notes: string[]
  /** Fingerprint of the key whose signature was believed; null when nothing signed was read. */
  signer: string | null
  /**
   * Whether a person named the keys to believe; otherwise that key was believed unseen, unless it is this
   * machine's own.
   */
  signerWasGiven: boolean
  /** Whether this machine signs with that key itself. */
  signerIsOwn: boolean
  /** Fingerprints of the keys whose signatures fit and are not believed. */
  otherSigners: readonly string[]
  /**
   * Nothing was opened because there is no key; sizes, hashes and expiry are missing, and the chat was not
   * taken over.
   */
  withoutKey: boolean
  backups: RecoveredBackup[]
  refused: RefusedManifest[]
  /** Messages that were forwarded to be read. */
  lookedAt: number
  /** Whom the chat belongs to now; null when it was left as it was. */
  owner: { catalogId: string; generation: number } | null
  /**
   * Messages that are there and were not read, since they lie far below all of ours; most likely, people
   * wrote them.
   */
  unread: number
  /** An index was read, in any of the chats; only an index names schedules, retention and pins. */
  hasIndex: boolean
  /**
   * What the newest index says besides backups; null when the chat was left as it was, and for the second
   * chat.
   */
  plans: RecoveredPlans | null
  /** Why the new index is not in the chat; null when it is, or was not to be. */
  indexFailure: string | null
  /**
   * What was found in the second chat; null where none is configured, and in the report of the second chat
   * itself.
   */
  secondChat: SecondChatReport | null
}

/** A manifest that was found and is damaged, or not believed. */
export interface RefusedManifest {
  messageId: number
  backupId: string
  reason: string
}

interface SecondChatReport {
  /** As it is configured. */
  chat: string
  /** Null when it could not be asked. */
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
  /** `bettered`: the catalog knew it from a chat only, and less surely. */
  outcome: ImportOutcome
  /** It is complete and not whole: something is missing now, or was found wrong before. */
  isDamaged: boolean
  /** `1 file missing`: what its send left out as configured; null for nothing. */
  missing: string | null
  /** What is missing of it, in words. */
  findings: string[]
}

/** Whether something is missing, damaged, refused or left undone. */
export function isIncomplete(report: RecoveryReport): boolean {
  return (
    report.withoutKey ||
    report.refused.length > 0 ||
    report.indexFailure !== null ||
    arePlansLost(report) ||
    isSecondIncomplete(report.secondChat) ||
    report.backups.some(backup => backup.isDamaged)
  )
}

/** There are manifests, and none is whole and believed: they need another key, or are damaged. */
export function isAllRefused(report: RecoveryReport): boolean {
  const reports = [report, ...(report.secondChat?.report ? [report.secondChat.report] : [])]
  return reports.some(({ refused }) => refused.length > 0) && reports.every(one => one.backups.length === 0)
}

/** The chat was taken over without an index: its schedules, policies and pins are lost. */
export function arePlansLost({ plans, hasIndex, backups }: RecoveryReport): boolean {
  return plans !== null && !hasIndex && backups.length > 0
}

function isSecondIncomplete(second: SecondChatReport | null): boolean {
  if (second === null) return false
  return second.failure !== null || (second.report !== null && isIncomplete(second.report))
}
