import {
  type Backup,
  type Change,
  type ChangePage,
  type Database,
  type RecordedAlert,
  readChanges,
} from '@telegram-backup/database'
import { type JobView, jobView } from '#jobs/job-view.ts'
import { type ScheduleView, scheduleViews } from '#operations/schedules.ts'

/** A changed object as its own list shows it; `thing` is null when it is gone. */
export type CatalogEvent = Pick<Change, 'position' | 'object' | 'project_id'> &
  (
    | { kind: 'backup'; thing: Backup | null }
    | { kind: 'job'; thing: JobView | null }
    | { kind: 'schedule'; thing: ScheduleView | null }
    | { kind: 'alert'; thing: RecordedAlert | null }
  )

export type EventPage = Omit<ChangePage, 'changes'> & { events: CatalogEvent[] }

/**
 * What has changed in the catalog after a position, in the order of commits, all of one moment; without a
 * position nothing, and `through` is the present one. See `readChanges`.
 */
export async function followEvents(database: Database, after: string | undefined): Promise<EventPage> {
  return await readChanges(database, after, async ({ changes, ...page }, snapshot) => {
    const schedules = changes.flatMap(({ kind, thing }) => (kind === 'schedule' && thing ? [thing] : []))
    const views = new Map((await scheduleViews(snapshot, schedules)).map(view => [view.id, view]))
    return { ...page, events: changes.map(change => eventOf(change, views)) }
  })
}

function eventOf(change: Change, schedules: ReadonlyMap<string, ScheduleView>): CatalogEvent {
  if (change.kind === 'job') return { ...change, thing: change.thing && jobView(change.thing) }
  if (change.kind === 'schedule') return { ...change, thing: schedules.get(change.object) ?? null }
  return change
}
