/** The screen that helps with a reason, by its code; none where only the server can help. */
export const REMEDY_SCREENS: Readonly<
  Record<string, '/jobs' | '/backups' | '/proof' | '/schedules' | '/sources' | '/buckets'>
> = {
  no_backup: '/jobs',
  backup_overdue: '/jobs',
  backup_failed: '/jobs',
  backup_held_up: '/jobs',
  jobs_waiting: '/jobs',
  backup_small: '/backups',
  backup_damaged: '/backups',
  erase_failed: '/backups',
  drill_differs: '/proof',
  drill_failed: '/proof',
  drill_overdue: '/proof',
  schedule_off: '/schedules',
  source_unusable: '/sources',
  not_configured: '/sources',
  snapshot_overdue: '/buckets',
}
