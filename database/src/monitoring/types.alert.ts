import type { JsonObject } from '#jobs/types.backup.ts'

export interface Alert {
  id: string
  /** Identifies the alert: its kind and subject. */
  key: string
  kind: string
  /** As of the last notice. */
  details: JsonObject
  since: Date
  seen_at: Date
  /** Null until a notice was sent. */
  told_at: Date | null
  /** Until then, no notice of it is queued but the one of its end; null, or in the past: it is not muted. */
  muted_until: Date | null
  /** Who muted it last. */
  muted_by: string | null
}

/** An alert that may have ended. */
export interface RecordedAlert extends Alert {
  /** Null while it is open. */
  ended_at: Date | null
}

export type NoticeChannel = 'chat' | 'webhook'

/** A message to send; the sender reads `notice`. */
export interface Notice {
  id: number
  channel: NoticeChannel
  alert_key: string | null
  notice: JsonObject
  /** The same at each try, so that a receiver recognises a repetition. A UUID. */
  delivery_id: string
  /** The last try was interrupted: it may have been sent. */
  may_be_told: boolean
  /** The number of tries, this one included. */
  tries: number
  created_at: Date
}
