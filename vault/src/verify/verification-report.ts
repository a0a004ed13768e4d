import type { PartKind } from '@telegram-backup/database'

/**
 * missing: there is no such message · tombstone: a few bytes of ours stand in its place · replaced: it holds
 * something else · damaged: its document is not what was sent · unreadable: it is there, and its bytes do not
 * come · contents: it is what was sent, but does not open as it should.
 */
export type FindingKind = 'missing' | 'tombstone' | 'replaced' | 'damaged' | 'unreadable' | 'contents'

/** Something that is wrong with a message of a backup, or with the backup as a whole. */
export type Finding = {
  kind: PartKind | 'backup'
  /** From 1; 0 for the manifest and for the backup as a whole. */
  part_no: number
  chat_id: string
  /** Null for a message that is unknown. */
  message_id: number | null
  finding: FindingKind
  /** For people. */
  reason: string
  /** It was repaired from the other chat. */
  mended?: boolean
}

/** Something that could not be looked at, so that nothing was found about it. */
export type Unproven = { chat_id: string; code: string; reason: string }

/**
 * How much was proven. messages: they are in their chats · sent bytes: each was read, and is what was sent ·
 * plain bytes: besides, each part opened, and the whole is what was backed up.
 */
export type Depth = 'messages' | 'sent bytes' | 'plain bytes'

/** What a verification found. */
export interface VerificationReport {
  /** Id of the verification, a UUID, also in its row. */
  id: string
  backup_id: string
  /** sound: nothing is wrong · mended: what was wrong was repaired · damaged: something is wrong. */
  state: 'sound' | 'mended' | 'damaged'
  depth: Depth
  /** Messages that were looked at, in all chats, manifests among them. */
  parts: number
  /** Bytes as sent that were read. */
  bytes: number
  findings: Finding[]
  unproven: Unproven[]
}

/** Collects what is found on the way. */
export class Findings {
  readonly list: Finding[] = []
  readonly unproven: Unproven[] = []
  /** Messages looked at, and those whose documents were read. */
  parts = 0
  read = 0
  bytes = 0

  /** What is wrong and was not repaired, in that chat or in any. */
  left(chatId?: string): Finding[] {
    return this.list.filter(({ mended, chat_id }) => !mended && (chatId === undefined || chat_id === chatId))
  }
}
