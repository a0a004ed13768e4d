import { oneOf, textIn } from '#shell/search.ts'

export const BACKUP_TYPES = ['database', 'storage', 'logs'] as const
export const BACKUP_STATES = ['sending', 'complete', 'failed', 'erasing', 'erased'] as const

/** The filters and the page of the list of backups, as the URL has them. */
export interface BackupSearch {
  project?: string
  type?: (typeof BACKUP_TYPES)[number]
  state?: (typeof BACKUP_STATES)[number]
  source?: string
  tag?: string
  /** Days in the viewer's zone, such as `2026-12-01`; both are included. */
  from?: string
  to?: string
  /** Of the page. */
  cursor?: string
  /** The calendar is shown. */
  calendar?: true
}

/** What of a URL can be used; the rest is dropped. */
export function readBackupSearch(raw: Record<string, unknown>): BackupSearch {
  const search: BackupSearch = {
    project: textIn(raw['project']),
    type: oneOf(BACKUP_TYPES, raw['type']),
    state: oneOf(BACKUP_STATES, raw['state']),
    source: textIn(raw['source']),
    tag: textIn(raw['tag']),
    from: dayIn(raw['from']),
    to: dayIn(raw['to']),
    cursor: textIn(raw['cursor']),
    calendar: raw['calendar'] === true ? true : undefined,
  }
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined))
}

/** Whether some backups may be left out. */
export function isFiltered({ cursor: _, calendar: __, ...filters }: BackupSearch): boolean {
  return Object.values(filters).some(value => value !== undefined)
}

/** The same as the API takes it, with times in UTC. */
export function backupQuery({ project, from, to, calendar: _, ...rest }: BackupSearch) {
  return {
    ...rest,
    ...(project !== undefined && { project_id: project }),
    ...(from !== undefined && { from: new Date(`${from}T00:00:00`).toISOString() }),
    ...(to !== undefined && { to: new Date(`${to}T23:59:59.999`).toISOString() }),
  }
}

function dayIn(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return undefined
  return Number.isNaN(new Date(`${value}T00:00:00`).getTime()) ? undefined : value
}
