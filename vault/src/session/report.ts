import type { MessageRow } from '@telegram-backup/database'

/** One message of a backup, as the JSON of the command line names it. */
export interface ReportedMessage {
  backup_id: string
  kind: 'part' | 'manifest'
  /** From 1; 0 for the manifest. */
  part_no: number
  chat_id: string
  /** Null for a message that was announced and never found. */
  message_id: number | null
}

/** The message that a row describes. */
export function reportedMessage(
  backupId: string,
  { kind, part_no, chat_id, message_id }: MessageRow,
): ReportedMessage {
  return { backup_id: backupId, kind, part_no, chat_id, message_id }
}

/** What became of a message that was to go. */
export interface ErasedMessage extends ReportedMessage {
  /**
   * erased: deleted, or gone already · tombstone: replaced by a few bytes · kept: as it was, for the reason ·
   * unreachable: in a group that has become a supergroup, where nothing can be removed any more.
   */
  outcome: 'erased' | 'tombstone' | 'kept' | 'unreachable'
  reason?: string
}

/** A backup or a chat, and words about it. */
export interface ReportedReason {
  backup_id?: string
  restore_id?: string
  chat_id?: string
  code?: string
  reason: string
  hint?: string
}

/** A backup that was whole but for its end. */
export interface FinishedBackup {
  backup_id: string
  /** `1 file missing`, as its send was told to allow; null for nothing. */
  missing: string | null
}

/** What a session did, and what it left. Its lists are fields of the JSON answers. */
export class SessionReport {
  /** Messages whose answer was lost, and which are there. */
  readonly adopted: ReportedMessage[] = []
  /** Backups that were whole but for their end. */
  readonly finished: FinishedBackup[] = []
  readonly failed: { backup_id: string; resumable: boolean; reason: string }[] = []
  /**
   * Messages that were erased: of failed backups, of backups that were being erased, and second copies of one
   * message.
   */
  readonly erased: ErasedMessage[] = []
  /** Backups that are erased now, here or by another process. */
  readonly erased_backups: { backup_id: string; by_another_process?: true }[] = []
  /** Leftover messages: nothing needs them, and an earlier run could not remove them. */
  readonly remnants: { chat_id: string; message_id: number; outcome: 'erased' | 'kept'; reason?: string }[] =
    []
  readonly restores: ReportedReason[] = []
  /** Messages that were missing or damaged in one chat, and came back from the other. */
  readonly mended: ReportedMessage[] = []
  /** Messages that the second chat lacked. */
  readonly copied: ReportedMessage[] = []
  /** Indexes that say now what the catalog says. */
  readonly indexes: { chat_id: string; message_id: number }[] = []
  /** What stays, and is right to stay: work of living runs, backups that must not be erased. */
  readonly kept: ReportedReason[] = []
  /** What could not be done now, and why. */
  readonly pending: ReportedReason[] = []
  /**
   * Calls whose message was not found; it may still appear, and is looked for again for a quarter of an hour.
   */
  readonly looked_for_again: ReportedReason[] = []

  /** Indexes that could not be written, and why. No backup suffers by that. */
  readonly indexes_left: ReportedReason[] = []

  /** Whether all was done. */
  get isDone(): boolean {
    return this.pending.length === 0
  }

  /** Whether anything was found to do at all. */
  get isEmpty(): boolean {
    return Object.values(this).every(list => !Array.isArray(list) || list.length === 0)
  }
}
