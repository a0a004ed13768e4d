import type { Words } from '#words/en/index.ts'
import type { SentenceFacts } from '#words/en/overview.ts'

const SHOWN = 3

const listed = (names: readonly string[]): string =>
  `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` und ${names.length - SHOWN} weitere` : ''}`

const ofAll = (count: number, total: number): string =>
  total === 1 ? 'Die einzige Quelle' : `${count} von ${total} Quellen`

function sentence(of: SentenceFacts): string {
  const reasons = of.reasons.map(reason => `${reason}.`)
  const ofBuckets = bucketWords(of)
  if (of.total === 0) {
    const first =
      ofBuckets === '' ? 'Nichts ist geschützt: Es gibt keine Quelle und keine Sicherung.' : ofBuckets
    return [first, ...reasons].join(' ')
  }
  const all = of.total === 1 ? 'Die einzige Quelle' : `Alle ${of.total} Quellen`
  const isOne = of.total === 1
  const parts = [
    of.lost.length === 0
      ? ''
      : `${ofAll(of.lost.length, of.total)} ${of.lost.length === 1 ? 'kann' : 'können'} nicht wiederhergestellt werden: ${listed(of.lost)}.`,
    of.late.length === 0
      ? ''
      : `${ofAll(of.late.length, of.total)} ${of.late.length === 1 ? 'hat' : 'haben'} keine gute Sicherung innerhalb der Grenze: ${listed(of.late)}.`,
    of.lost.length + of.late.length > 0
      ? ''
      : of.isChatAway
        ? `${all} ${isOne ? 'hat' : 'haben'} eine gute Sicherung.`
        : `${all} ${isOne ? 'kann' : 'können'} wiederhergestellt werden.`,
    of.uneasy.length === 0
      ? ''
      : `${of.uneasy.length} ${of.uneasy.length === 1 ? 'braucht' : 'brauchen'} Aufmerksamkeit: ${listed(of.uneasy)}.`,
    ofBuckets,
    ...reasons,
    of.unproven.length > 0
      ? `Noch nicht nachgewiesen: ${listed(of.unproven)}.`
      : of.oldest === undefined
        ? ''
        : `Ältester Nachweis: ${of.oldest.name}, ${of.oldest.ago}.`,
  ]
  return parts.filter(part => part !== '').join(' ')
}

function bucketWords({ total, buckets, uneasyBuckets: uneasy }: SentenceFacts): string {
  if (uneasy.length > 0)
    return `${uneasy.length} ${uneasy.length === 1 ? 'Bucket braucht' : 'Buckets brauchen'} Aufmerksamkeit: ${listed(uneasy)}.`
  if (total > 0 || buckets === 0) return ''
  return buckets === 1 ? 'Der einzige Bucket ist in Ordnung.' : `Alle ${buckets} Buckets sind in Ordnung.`
}

export const overview: Words['overview'] = {
  sentence,
  asOf: time => `Stand: ${time}`,
  upToDate: time => `Aktuell. Letzte Änderung: ${time}`,
  stale: 'Die Verbindung ist unterbrochen',
  staleText: time =>
    `Das ist der Stand von ${time}. Die Seite macht von selbst weiter, wenn der Server wieder antwortet.`,
  states: { ok: 'Gut', attention: 'Ansehen', broken: 'Gestört' },
  byHand: 'Von Hand gesendet',
  byHandName: (project, type) => `${project}/${type} (von Hand)`,
  sources: 'Quellen',
  state: 'Zustand',
  source: 'Quelle',
  newest: 'Neueste gute Sicherung',
  none: 'Keine',
  limit: span => `Grenze ${span}`,
  noLimit: 'ohne Grenze',
  allBackups: 'Alle ihre Sicherungen',
  next: 'Nächster Lauf',
  notScheduled: 'Kein Zeitplan',
  due: 'Jetzt fällig',
  proof: 'Letzter Nachweis',
  depths: {
    none: 'Noch nicht nachgewiesen',
    messages: 'Nachrichten sind im Chat',
    bytes: 'Jedes Byte wie gesendet',
    restored: 'In einer Probe wiederhergestellt',
    counts: 'Wiederhergestellt, Anzahlen gleich',
    dump: 'Wiederhergestellt, gleich dem Dump',
    contents: 'Wiederhergestellt, Inhalt gleich',
  },
  proofFailed: 'Fehlgeschlagen',
  toDrill: 'Zur Probe',
  restoreTime: 'Dauer der Wiederherstellung',
  notMeasured: 'Noch nicht gemessen',
  notMeasuredHint: 'Eine Probe misst sie',
  size: 'Größe',
  acts: 'Aktionen',
  backUpNow: 'Jetzt sichern',
  backupBegun: name => `Eine Sicherung von ${name} ist beauftragt. Die laufenden Aufträge stehen unten.`,
  noServe: 'Kein laufender serve kennt diese Quelle; von hier kann sie nicht gesichert werden.',
  restore: 'Wiederherstellen',
  verify: 'Prüfen',
  verifyHint: 'Liest jedes Byte der neuesten guten Sicherung',
  verifyBegun: name => `Eine Prüfung von ${name} ist beauftragt: Sie liest jedes Byte.`,
  noSources: 'Noch ist keine Quelle eingerichtet',
  noSourcesText:
    'Tragen Sie eine Quelle in telegram-backup.yaml auf dem Server ein. Ein laufender serve liest die Datei binnen Sekunden:',
  noSourcesNext: 'Dann steht sie hier und kann mit einem Knopf gesichert werden.',
  noSourcesBound:
    'Ihr Projekt hat noch keine Quelle und keine Sicherung. Ein Administrator kann eine Quelle einrichten.',
  running: 'Laufende Aufträge',
  noneRunning: 'Kein Auftrag läuft.',
  lastDay: 'Die letzten 24 Stunden',
  noJobs: 'Kein Auftrag in den letzten 24 Stunden.',
  lastDaySentence: of =>
    [
      `${of.done} erledigt`,
      `${of.failed} fehlgeschlagen`,
      ...(of.cancelled === 0 ? [] : [`${of.cancelled} abgebrochen`]),
      ...(of.open === 0 ? [] : [`${of.open} nicht beendet`]),
    ].join(', '),
  sinceOnly: time => `Die neuesten Aufträge, seit ${time}; die Liste der Aufträge hat alle.`,
  timeline: 'Aufträge nach ihrem Beginn',
  allJobs: 'Alle Aufträge',
}
