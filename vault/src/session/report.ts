import type { MessageRow, Pack } from '@telegram-backup/database'

/** One message of a backup, as the JSON of the command line names it. */
export interface ReportedMessage {
  backup_id: string
  kind: 'part' | 'manifest'
  /** From 1; 0 for the manifest. */
  part_no: number
  chat_id: string
  /** Null for an intended message that was never found. */
  message_id: number | null
}

/** The message that a row describes. */
export function reportedMessage(
  backupId: string,
  { kind, part_no, chat_id, message_id }: MessageRow,
): ReportedMessage {
  return { backup_id: backupId, kind, part_no, chat_id, message_id }
}

/** The outcome for a message that was to be erased. */
export interface ErasedMessage extends ReportedMessage {
  /**
   * erased: deleted, or gone already · tombstone: replaced by a few bytes · kept: as it was, for the reason ·
   * unreachable: in a group that has become a supergroup, where nothing can be removed any more.
   */
  outcome: 'erased' | 'tombstone' | 'kept' | 'unreachable'
  reason?: string | undefined
}

/** What happened to a pack, or to one of its messages. */
export interface ReportedPack {
  pack_id: string
  bucket_id: string
  /** Its number in the bucket. */
  sequence: number
  /** Of the message; null for all of the pack. */
  chat_id: string | null
  message_id: number | null
  /**
   * adopted: its answer was lost, and it counts as sent · given up: it is in no chat · copied, mended: from
   * one chat to the other · the others as for messages of backups.
   */
  outcome: 'adopted' | 'given up' | 'copied' | 'mended' | ErasedMessage['outcome']
  reason?: string | undefined
}

/** The pack, or its message in a chat. */
export function reportedPack(
  { id, bucket_id, sequence }: Pick<Pack, 'id' | 'bucket_id' | 'sequence'>,
  message?: { chatId: string; messageId: number },
): Omit<ReportedPack, 'outcome'> {
  const { chatId = null, messageId = null } = message ?? {}
  return { pack_id: id, bucket_id, sequence, chat_id: chatId, message_id: messageId }
}

/** What the report says about a backup, a restore, a pack or a chat. */
export interface ReportedReason {
  backup_id?: string | undefined
  restore_id?: string | undefined
  pack_id?: string | undefined
  chat_id?: string | undefined
  code?: string | undefined
  reason: string
  hint?: string | undefined
}

/** What a session did, and what it left. The names are those of the JSON answers, which do not change. */
export class SessionReport {
  /** Messages that exist although their answer was lost. */
  readonly adopted: ReportedMessage[] = []
  /**
   * Backups whose interrupted send was finished. `missing`: `1 file missing`, which the send allowed, or
   * null.
   */
  readonly finished: { backup_id: string; missing: string | null }[] = []
  readonly failed: { backup_id: string; resumable: boolean; reason: string }[] = []
  /** Erased messages: of failed and of erased backups, and second copies of one message. */
  readonly erased: ErasedMessage[] = []
  /** Backups that are erased now, here or by another process. */
  readonly erased_backups: { backup_id: string; by_another_process?: true }[] = []
  /** Leftover messages: nothing needs them, and an earlier run could not remove them. */
  readonly remnants: { chat_id: string; message_id: number; outcome: 'erased' | 'kept'; reason?: string }[] =
    []
  readonly restores: ReportedReason[] = []
  /** Messages that were missing or damaged in one chat, and were repaired from the other. */
  readonly mended: ReportedMessage[] = []
  /** Messages that the second chat lacked. */
  readonly copied: ReportedMessage[] = []
  /** Records of evidence that a chat lacked. */
  readonly evidence: { id: string; number: number; chat_id: string }[] = []
  /** Packs of buckets that were found, given up, copied or erased. */
  readonly packs: ReportedPack[] = []
  /** Indexes that were brought up to date. */
  readonly indexes: { chat_id: string; message_id: number }[] = []
  /** What rightly stays: work of living runs, backups that must not be erased. */
  readonly kept: ReportedReason[] = []
  /** What could not be done now, and why. */
  readonly pending: ReportedReason[] = []
  /** Calls whose message was not found; it may still appear, and is looked for again for 15 minutes. */
  readonly looked_for_again: ReportedReason[] = []
  /** Indexes that could not be written, and why. The backups are safe all the same. */
  readonly indexes_left: ReportedReason[] = []

  /** Whether all was done. */
  get isDone(): boolean {
    return this.pending.length === 0
  }

  /** Whether there was nothing to do. */
  get isEmpty(): boolean {
    return Object.values(this).every(list => !Array.isArray(list) || list.length === 0)
  }
}
