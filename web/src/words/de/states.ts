import type { Words } from '#words/en/index.ts'

export const states: Words['states'] = {
  loading: 'Wird geladen…',
  failed: 'Das konnte nicht geladen werden',
  unreachable: 'Der Server antwortet nicht. Die Seite versucht es von selbst erneut.',
  fault:
    'Die Seite selbst hat hier einen Fehler. Laden Sie sie neu; hilft das nicht, melden Sie diese Worte:',
  noAnswer:
    'Der Server hat nicht geantwortet. Sehen Sie nach, ob es geschehen ist, bevor Sie es wiederholen.',
  partAway:
    'Der Server hat diesen Teil der Seite nicht geliefert: Er ist weg oder wurde aktualisiert. Laden Sie die Seite neu.',
  reload: 'Neu laden',
  retry: 'Erneut versuchen',
  forbidden: 'Ihre Rolle erlaubt das nicht',
  forbiddenHint: 'Ein Administrator kann Ihre Rolle auf der Seite „Personen“ ändern.',
  notFound: 'Hier ist nichts',
  notFoundHint: 'Es wurde entfernt, oder es gehört zu einem Projekt, das Sie nicht sehen.',
  toOverview: 'Zur Übersicht',
  closeNotice: 'Diese Meldung schließen',
  more: 'Mehr anzeigen',
  close: 'Schließen',
  pages: { label: 'Seiten', newest: 'Neueste', newer: 'Neuere', older: 'Ältere' },
}
