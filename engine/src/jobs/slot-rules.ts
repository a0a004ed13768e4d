import type { JobAsker, JobKind } from '@telegram-backup/database'

/** A job that has a slot, or wants one. */
export interface SlotUse {
  kind: JobKind
  /** Null where no API key asked for it. */
  asker: JobAsker | null
}

/** A hostile dump can make its restore or drill run very long; so can the server of a source its backup. */
const MAY_LAST_FOR_EVER: ReadonlySet<JobKind> = new Set<JobKind>(['restore', 'backup', 'drill'])
/** They may be many and long, and nobody waits for them. */
const CHECKS: ReadonlySet<JobKind> = new Set<JobKind>(['verify', 'drill'])

/**
 * Whether a job may have one of the free slots. One drill at a time: it starts a server, and fills the disk
 * with a whole database. With two or more slots, one stays free for other work: for anything but
 * verifications and drills; and for anything but restores, drills and backups of one API key or of keys for
 * one project.
 */
export function mayTakeSlot(wanted: SlotUse, running: readonly SlotUse[], slots: number): boolean {
  if (slots < 2) return true
  if (wanted.kind === 'drill' && running.some(({ kind }) => kind === 'drill')) return false
  if (CHECKS.has(wanted.kind) && running.filter(({ kind }) => CHECKS.has(kind)).length >= slots - 1)
    return false
  const isLastOne = running.length >= slots - 1
  if (!isLastOne || !MAY_LAST_FOR_EVER.has(wanted.kind)) return true
  return !running.some(one => MAY_LAST_FOR_EVER.has(one.kind) && isOfSame(one.asker, wanted.asker))
}

function isOfSame(one: JobAsker | null, other: JobAsker | null): boolean {
  if (one === null || other === null) return false
  return one.key_id === other.key_id || (one.project !== null && one.project === other.project)
}
