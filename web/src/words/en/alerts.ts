export const alerts = {
  /** By the stable code of a reason or an alert: what is wrong, and what to do. */
  kinds: {
    no_backup: { title: 'There is no good backup', act: 'Back it up now, or see why its jobs failed' },
    backup_overdue: {
      title: 'The newest good backup is older than the limit',
      act: 'Back it up now, or see why its jobs failed',
    },
    backup_failed: { title: 'The last backup failed', act: 'See what failed' },
    backup_held_up: { title: 'The backup does not succeed and is tried again', act: 'See what holds it up' },
    backup_small: {
      title: 'The newest backup is suspiciously small',
      act: 'Compare it with the backups before it',
    },
    backup_damaged: { title: 'Some backups are damaged', act: 'See which, and verify or erase them' },
    drill_differs: {
      title: 'A restored copy differs from the source',
      act: 'See the differences',
    },
    drill_failed: { title: 'The last drill failed', act: 'See why' },
    drill_overdue: { title: 'No drill has proven the backups in time', act: 'See the drills' },
    schedule_off: { title: 'Its schedule is switched off', act: 'Switch it on, or remove it' },
    jobs_waiting: { title: 'A job waits for too long', act: 'See the jobs' },
    erase_failed: { title: 'Some messages cannot be erased', act: 'See which backups' },
    notices_waiting: {
      title: 'Notices cannot be delivered',
      act: 'To test each way, run on the server: telegram-backup notify-test',
    },
    chat_unreachable: {
      title: 'The chat cannot be reached',
      act: 'To see why, run on the server: telegram-backup doctor',
    },
    chat_not_ours: {
      title: 'The chat belongs to another catalog',
      act: 'To see why, run on the server: telegram-backup doctor',
    },
    config_unusable: {
      title: 'A configuration file cannot be used',
      act: 'To see why, run on the server: telegram-backup config check',
    },
    certificate_unusable: {
      title: 'A new certificate cannot be used',
      act: 'Replace the files of the certificate on the server',
    },
    snapshot_overdue: {
      title: 'No new snapshot for too long',
      act: 'Look at the program that backs up to the bucket',
    },
    bucket_damaged: {
      title: 'Objects of a bucket are damaged',
      act: 'To see which, run on the server: telegram-backup verify --bucket NAME --read-data',
    },
    bucket_undeleting: {
      title: 'The bucket is being taken back to a moment; its door is closed until that has ended',
      act: '',
    },
    source_unusable: {
      title: 'Its settings cannot be used, so no backup can be made',
      act: 'To see why, run on the server: telegram-backup config check',
    },
    not_configured: {
      title: 'No configuration file and no schedule names it any more; its backups stay',
      act: '',
    },
    no_service: {
      title: 'Nothing runs the schedules',
      act: 'Start it on a server: telegram-backup serve',
    },
    recovery_key_not_confirmed: {
      title: 'The recovery key is perhaps on this machine alone',
      act: 'Copy it to another machine, then confirm it on the server: telegram-backup init',
    },
    catalog_unreachable: {
      title: 'The catalog cannot be reached',
      act: 'To see why, run on the server: telegram-backup doctor',
    },
  },
  title: 'Open alerts',
  none: 'No alert is open.',
  lasting: (span: string) => `for ${span}`,
  mute: 'Mute for',
  muteHint: 'No notices are sent meanwhile. The state stays as it is.',
  muteFor: (hours: number) => `${hours} h`,
  /** Has the words of `muteFor` in it: people who speak to their computer say what they see. */
  muteForLong: (hours: number, about: string) => `Mute for ${hours} h: ${about}`,
  mutedUntil: (time: string) => `Muted until ${time}`,
  unmute: 'End the mute',
  muted: 'The alert is muted',
  unmuted: 'The mute has ended',
}
