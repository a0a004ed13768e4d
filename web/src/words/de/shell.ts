import type { Words } from '#words/en/index.ts'

export const shell: Words['shell'] = {
  overview: 'Übersicht',
  backups: 'Sicherungen',
  jobs: 'Aufträge',
  schedules: 'Zeitpläne',
  sources: 'Quellen',
  buckets: 'Buckets',
  proof: 'Nachweise',
  people: 'Personen',
  audit: 'Protokoll',
  skipToContent: 'Zum Inhalt',
  navigation: 'Navigation',
  openNavigation: 'Navigation öffnen',
  closeNavigation: 'Navigation schließen',
  language: 'Sprache',
  theme: { label: 'Farben', light: 'Hell', dark: 'Dunkel', auto: 'Wie das System' },
  account: name => `Konto von ${name}`,
  allProjects: 'alle Projekte',
  signOut: 'Abmelden',
  live: { connecting: 'Verbinden…', live: 'Aktuell', interrupted: 'Verbindung verloren. Neuer Versuch…' },
  roles: {
    viewer: 'Betrachter',
    operator: 'Bediener',
    restorer: 'Wiederherstellung',
    admin: 'Administrator',
  },
}
