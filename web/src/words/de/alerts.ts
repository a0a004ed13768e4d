import type { Words } from '#words/en/index.ts'

export const alerts: Words['alerts'] = {
  kinds: {
    no_backup: {
      title: 'Es gibt keine gute Sicherung',
      act: 'Jetzt sichern, oder ansehen, warum die Aufträge scheiterten',
    },
    backup_overdue: {
      title: 'Die neueste gute Sicherung ist älter als die Grenze',
      act: 'Jetzt sichern, oder ansehen, warum die Aufträge scheiterten',
    },
    backup_failed: { title: 'Die letzte Sicherung ist fehlgeschlagen', act: 'Ansehen, was fehlschlug' },
    backup_held_up: {
      title: 'Die Sicherung gelingt nicht und wird erneut versucht',
      act: 'Ansehen, was sie aufhält',
    },
    backup_small: {
      title: 'Die neueste Sicherung ist auffällig klein',
      act: 'Prüfen, ob die Quelle Daten verlor, und die Sicherungen vergleichen',
    },
    backup_damaged: {
      title: 'Einige Sicherungen sind beschädigt',
      act: 'Ansehen, welche; prüfen oder löschen',
    },
    drill_differs: {
      title: 'Eine wiederhergestellte Kopie weicht von der Quelle ab',
      act: 'Die Abweichungen ansehen',
    },
    drill_failed: { title: 'Die letzte Probe ist fehlgeschlagen', act: 'Ansehen, warum' },
    drill_overdue: {
      title: 'Keine Probe hat die Sicherungen rechtzeitig nachgewiesen',
      act: 'Die Proben ansehen',
    },
    schedule_off: { title: 'Der Zeitplan ist ausgeschaltet', act: 'Einschalten oder entfernen' },
    jobs_waiting: { title: 'Ein Auftrag wartet zu lange', act: 'Die Aufträge ansehen' },
    erase_failed: {
      title: 'Einige Nachrichten können nicht gelöscht werden',
      act: 'Ansehen, welcher Sicherungen',
    },
    notices_waiting: {
      title: 'Meldungen können nicht zugestellt werden',
      act: 'Jeden Weg auf dem Server testen: telegram-backup notify-test',
    },
    chat_unreachable: {
      title: 'Der Chat ist nicht erreichbar',
      act: 'Den Grund nennt auf dem Server: telegram-backup doctor',
    },
    chat_not_ours: {
      title: 'Der Chat gehört einem anderen Katalog',
      act: 'Den Grund nennt auf dem Server: telegram-backup doctor',
    },
    config_unusable: {
      title: 'Eine Konfigurationsdatei ist unbrauchbar',
      act: 'Den Grund nennt auf dem Server: telegram-backup config check',
    },
    certificate_unusable: {
      title: 'Ein neues Zertifikat ist unbrauchbar',
      act: 'Die Dateien des Zertifikats auf dem Server ersetzen',
    },
    snapshot_overdue: {
      title: 'Zu lange kein neuer Schnappschuss',
      act: 'Das Programm ansehen, das in den Bucket sichert',
    },
    bucket_damaged: {
      title: 'Objekte eines Buckets sind beschädigt',
      act: 'Welche, nennt auf dem Server: telegram-backup verify --bucket NAME --read-data',
    },
    bucket_undeleting: {
      title:
        'Der Bucket wird auf einen früheren Zeitpunkt zurückgesetzt; bis er erreicht ist, bleibt seine Tür zu',
      act: '',
    },
    source_unusable: {
      title: 'Die Einstellungen der Quelle sind unbrauchbar: Sie kann nicht gesichert werden',
      act: 'Den Grund nennt auf dem Server: telegram-backup config check',
    },
    not_configured: {
      title: 'Keine Konfigurationsdatei und kein Zeitplan nennt sie mehr; ihre Sicherungen bleiben',
      act: '',
    },
    no_service: {
      title: 'Nichts führt die Zeitpläne aus',
      act: 'Auf einem Server starten: telegram-backup serve',
    },
    recovery_key_not_confirmed: {
      title: 'Der Wiederherstellungsschlüssel liegt vielleicht nur auf diesem Rechner',
      act: 'Auf einen anderen Rechner kopieren, dann auf dem Server bestätigen: telegram-backup init',
    },
    catalog_unreachable: {
      title: 'Der Katalog ist nicht erreichbar',
      act: 'Den Grund nennt auf dem Server: telegram-backup doctor',
    },
  },
  title: 'Offene Warnungen',
  none: 'Keine Warnung ist offen.',
  lasting: span => `seit ${span}`,
  mute: 'Stummschalten für',
  muteHint: 'Solange werden keine Meldungen verschickt. Der Zustand bleibt, wie er ist.',
  muteFor: hours => `${hours} h`,
  muteForLong: (hours, about) => `Für ${hours} h stummschalten: ${about}`,
  mutedUntil: time => `Stumm bis ${time}`,
  unmute: 'Wieder melden',
  muted: 'Die Warnung ist stumm',
  unmuted: 'Die Warnung wird wieder gemeldet',
}
