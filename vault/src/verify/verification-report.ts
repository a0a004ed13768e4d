import type { PartKind } from '@telegram-backup/database'

/**
 * missing: there is no such message · tombstone: we replaced it with a few bytes · replaced: it holds
 * something else · damaged: its document is not what was sent · unreadable: it exists, but its document does
 * not come · contents: it is what was sent, but its contents are wrong.
 */
export type FindingKind = 'missing' | 'tombstone' | 'replaced' | 'damaged' | 'unreadable' | 'contents'

/** A problem of a message, or of the backup as a whole. */
export type Finding = {
  kind: PartKind | 'backup'
  /** From 1; 0 for the manifest and for the backup as a whole. */
  part_no: number
  chat_id: string
  /** Null for an unknown message. */
  message_id: number | null
  finding: FindingKind
  /** For people. */
  reason: string
  /** It was repaired from the other chat. */
  mended?: boolean
}

/** Something that could not be checked. */
export type Unproven = { chat_id: string; code: string; reason: string }

/**
 * messages: all exist in their chats · sent bytes: every byte was compared with what was sent · plain bytes:
 * every part was also decrypted, and the whole is what was backed up.
 */
export type Depth = 'messages' | 'sent bytes' | 'plain bytes'

export interface VerificationReport {
  /** Id of the verification, a UUID, also in its row. */
  id: string
  backup_id: string
  /** sound: no finding · mended: all findings were repaired · damaged: some were not. */
  state: 'sound' | 'mended' | 'damaged'
  depth: Depth
  /** The number of checked messages in all chats, manifests included. */
  parts: number
  /** The number of bytes as sent that were read. */
  bytes: number
  findings: Finding[]
  unproven: Unproven[]
}

/** Collects the findings of a verification. */
export class Findings {
  readonly list: Finding[] = []
  readonly unproven: Unproven[] = []
  /** The number of checked messages, and of read documents. */
  parts = 0
  read = 0
  bytes = 0

  /** The findings that were not repaired, of that chat or of all. */
  left(chatId?: string): Finding[] {
    return this.list.filter(({ mended, chat_id }) => !mended && (chatId === undefined || chat_id === chatId))
  }
}
