import type { JsonObject } from '#jobs/types.backup.ts'

/** Something that is wrong now. */
export interface Alert {
  /** What is wrong with what; two alerts of one key are the same one. */
  key: string
  kind: string
  /** As they were when it was last told. */
  details: JsonObject
  since: Date
  /** When a process last found it wrong. */
  seen_at: Date
  /** Null until somebody was told. */
  told_at: Date | null
}

/** By which way something is told. */
export type NoticeChannel = 'chat' | 'webhook'

/** What is to be told. `notice` is for whoever tells it. */
export interface Notice {
  id: number
  channel: NoticeChannel
  alert_key: string | null
  notice: JsonObject
  /** The same at each try, and of no other notice: whoever hears it twice knows by it. A UUID. */
  delivery_id: string
  /** Whoever tried last has died with it, or was stopped in the middle: nobody knows whether it was told. */
  may_be_told: boolean
  /** How often it was tried, this time included. */
  tries: number
  created_at: Date
}
