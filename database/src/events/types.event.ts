import type { Backup } from '#jobs/types.backup.ts'
import type { Job, Schedule } from '#jobs/types.job.ts'
import type { RecordedAlert } from '#monitoring/types.alert.ts'

/** What may change so that others learn of it. */
export type EventKind = 'backup' | 'job' | 'schedule' | 'alert'

/** A changed object as it is in the snapshot of its page; `thing` is null when it is gone. */
export type Change = {
  /** After this change: opaque, see `ChangePage.through`. */
  position: string
  /** Its UUID. */
  object: string
  /** Null for what concerns all projects. */
  project_id: string | null
} & (
  | { kind: 'backup'; thing: Backup | null }
  | { kind: 'job'; thing: Job | null }
  | { kind: 'schedule'; thing: Schedule | null }
  | { kind: 'alert'; thing: RecordedAlert | null }
)

/** Changes in the order of their commits. Of several changes of one object only the newest is there. */
export interface ChangePage {
  /** Where the next page begins: opaque, the same in every process of this catalog. */
  through: string
  /** Changes before this page are no longer known: everything has to be read anew. */
  isReset: boolean
  /** The next page is not empty. */
  hasMore: boolean
  changes: Change[]
}
