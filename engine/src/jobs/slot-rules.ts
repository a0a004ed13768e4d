import type { JobAsker, JobKind } from '@telegram-backup/database'

/** A job that has a slot, or wants one. */
export interface SlotUse {
  kind: JobKind
  /** Null where no API key asked for it. */
  asker: JobAsker | null
}

/**
 * What a dump holds decides how long its restore takes, and the server of a source how long its backup does:
 * without an end, if they like.
 */
const MAY_LAST_FOR_EVER: ReadonlySet<JobKind> = new Set<JobKind>(['restore', 'backup'])

/**
 * Whether a job may have one of the free slots. Where there are two or more, one is left for whatever else
 * there is: by verifications, which may be many and long; and by what one API key, or keys for one project,
 * have restored and backed up.
 */
export function mayTakeSlot(wanted: SlotUse, running: readonly SlotUse[], slots: number): boolean {
  if (slots < 2) return true
  if (wanted.kind === 'verify') return running.filter(({ kind }) => kind === 'verify').length < slots - 1
  const isLastOne = running.length >= slots - 1
  if (!isLastOne || !MAY_LAST_FOR_EVER.has(wanted.kind)) return true
  return !running.some(one => MAY_LAST_FOR_EVER.has(one.kind) && isOfSame(one.asker, wanted.asker))
}

function isOfSame(one: JobAsker | null, other: JobAsker | null): boolean {
  if (one === null || other === null) return false
  return one.key_id === other.key_id || (one.project !== null && one.project === other.project)
}
