/** The kinds of all alerts. */
export const CONDITION_KINDS = [
  'backup_failed',
  'backup_overdue',
  'backup_small',
  'backup_damaged',
  'schedule_off',
  'jobs_waiting',
  'backup_held_up',
  'erase_failed',
  'notices_waiting',
  'chat_unreachable',
  'chat_not_ours',
  'config_unusable',
  'certificate_unusable',
] as const
