import type { JsonObject } from '#jobs/types.backup.ts'

/** Acts on a backup; the object is its id. */
export const BACKUP_ACTS = [
  'backup.send',
  'backup.fetch',
  'backup.restore',
  'backup.verify',
  'backup.erase',
  'backup.pin',
  'backup.unpin',
  'backup.tag',
] as const

/** Other acts. The object is an id, or the name of what has none. */
export const OTHER_ACTS = [
  'job.request',
  'job.cancel',
  'schedule.create',
  'schedule.change',
  'schedule.remove',
  'retention.change',
  'alert.mute',
  'alert.unmute',
  'key.create',
  'key.revoke',
  'person.create',
  'person.change',
  'person.remove',
  'person.link',
  'person.password',
  'passkey.add',
  'passkey.remove',
  'session.begin',
  'session.refuse',
  'session.factor',
  'session.end',
  'evidence.review',
  'bucket.create',
  'bucket.change',
  'bucket.remove',
  'bucket.undelete',
  'doorkey.create',
  'doorkey.revoke',
  'catalog.recover',
  'token.rotate',
  'recipients.rotate',
  'signer.rotate',
] as const

export type BackupAct = (typeof BACKUP_ACTS)[number]
export type AuditAct = BackupAct | (typeof OTHER_ACTS)[number]

/** One act, as it is read. */
export interface AuditEntry {
  /** Counts up. */
  id: number
  at: Date
  /**
   * `user@host`, `key NAME (first characters of its id)`, the same with `person`, `visitor ADDRESS`, or a
   * part of the program such as `schedule`.
   */
  actor: string
  act: string
  object: string
  /** Null for what belongs to no project. */
  project_id: string | null
  details: JsonObject
}

/** An act to write. Details hold no secret. */
export type NewAuditEntry = { actor: string; details?: JsonObject | undefined } & (
  | { act: BackupAct; backupId: string }
  | { act: Exclude<AuditAct, BackupAct>; object: string; projectId: string | null }
)
