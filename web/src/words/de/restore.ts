import type { Words } from '#words/en/index.ts'

const parts = (count: number): string => `${count} ${count === 1 ? 'Nachricht' : 'Nachrichten'}`

export const restore: Words['restore'] = {
  title: name => `${name} wiederherstellen`,
  made: (time, size) => `Erstellt ${time}, ${size}`,
  steps: 'Schritte der Wiederherstellung',
  step: (number, of, name) => `Schritt ${number} von ${of}: ${name}`,
  names: {
    target: 'Wohin',
    plan: 'Was geschieht',
    confirm: 'Bestätigen',
    started: 'Unterwegs',
  },
  back: 'Zurück',
  next: 'Weiter',
  toBackup: 'Zurück zur Sicherung',
  notWhole: 'Diese Sicherung kann nicht wiederhergestellt werden',
  notWholeHint: state =>
    `Nur eine vollständige Sicherung kann wiederhergestellt werden. Zustand dieser: ${state}.`,
  damaged:
    'Sie ist beschädigt. Die Wiederherstellung hält beim beschädigten Teil an, und das Ziel bleibt, wie es war.',
  target: {
    choose: 'Ziel der Wiederherstellung',
    intro:
      'Die Ziele stehen in telegram-backup.yaml auf dem Server. Vor dem letzten Schritt wird nichts verändert.',
    none: 'Der Server hat kein Ziel',
    noneFits: 'Keines dieser Ziele passt zu dieser Sicherung',
    elsewhere: 'Woandershin, oder ist der Server des Ziels verloren?',
    write: 'Schreiben Sie ein Ziel in telegram-backup.yaml auf dem Server, auf dem serve läuft, etwa:',
    writeLabel: 'ein Ziel für telegram-backup.yaml',
    complete:
      'Setzen Sie Benutzer und Rechner eines PostgreSQL-Servers ein. Die Datenbank muss es noch nicht geben: Die Wiederherstellung legt sie an. Das Ziel erscheint hier binnen fünf Sekunden; wenn nicht, sagt dies den Grund:',
    lookAgain: 'Erneut ansehen',
    noTargetTakesFiles: 'Kein Ziel nimmt eine einzelne Datei.',
    completeFolder:
      'Geben Sie den ganzen Pfad eines neuen Ordners an. Das Ziel erscheint hier binnen fünf Sekunden; wenn nicht, sagt dies den Grund:',
    byCommand: {
      database:
        'Oder nehmen Sie die Kommandozeile, auf einem Rechner, der den Schlüssel hat und den Server erreicht:',
      directory:
        'Stellen Sie diese Sicherung mit der Kommandozeile in ein neues Verzeichnis wieder her, auf einem Rechner mit dem Schlüssel, oder laden Sie ihre tar-Datei herunter:',
      file: 'Diese Sicherung ist eine einzige Datei. Laden Sie sie herunter, oder holen Sie sie mit der Kommandozeile, auf einem Rechner mit dem Schlüssel:',
    },
    kind: kind => `Art: ${kind}`,
    project: project => `Projekt: ${project}`,
    anyProject: 'Alle Projekte',
    otherKind: (backup, target) =>
      `Passt vermutlich nicht: Die Sicherung ist von der Art ${backup}, das Ziel ${target}.`,
    choice: 'Wählen Sie ein Ziel.',
  },
  part: {
    table: 'Nur eine Tabelle?',
    tableHint:
      'Die Kommandozeile stellt eine Tabelle in einer bestehenden Datenbank wieder her, neben der vorhandenen. Was die Datenbank enthält, bleibt unverändert.',
    tableName: 'Schema und Name der Tabelle',
    more: 'Ohne --as kommt die Tabelle unter ihrem eigenen Namen zurück, wenn sie der Datenbank fehlt. --schema stellt ein ganzes Schema wieder her.',
    file: 'Nur eine Datei?',
    fileHint:
      'Die Kommandozeile stellt einzelne Dateien und Ordner wieder her und holt nur die Nachrichten, in denen sie stehen.',
    path: 'Datei oder Ordner in der Sicherung',
    toDirectory: 'In ein neues Verzeichnis, mit Rechten und Zeiten. *, ? und ** stehen für Namen:',
    toFile: 'Eine Datei, als Datei:',
    look: 'Was die Sicherung enthält, und jede Datei zum Herunterladen:',
    files: 'die Dateien dieser Sicherung',
  },
  unended: {
    running: target => `Diese Sicherung wird gerade nach ${target} wiederhergestellt.`,
    queued: target =>
      `Eine Wiederherstellung dieser Sicherung nach ${target} wartet, bis sie an der Reihe ist.`,
    job: 'Ihren Auftrag öffnen',
  },
  plan: {
    looking: 'Der Server sieht sich das Ziel an. Das verändert nichts.',
    fetches: 'Holt',
    fetched: (size, number) => `${size} in ${parts(number)} aus dem Chat`,
    writes: 'Schreibt',
    takes: 'Dauert',
    takesMeasured: (time, drill) => `etwa ${time}, gemessen von einer Probe am ${drill}`,
    takesAsSent: time => `nicht gemessen; das Senden dauerte ${time}. Eine Probe misst es`,
    takesUnknown: 'unbekannt: noch keine Probe hat es gemessen',
    target: 'Ziel',
    way: 'Weg',
    noWay: 'Die Wiederherstellung kann nicht beginnen, siehe unten.',
    replaces: 'Ersetzt',
    replacesNothing: 'nichts: Das Ziel ist leer',
    overwrite: 'Ersetzen, was im Ziel ist',
    overwriteHint:
      'Ohne dies hält ein Ziel, das nicht leer ist, die Wiederherstellung an. Das Alte verschwindet erst, wenn der letzte Teil geprüft und geladen ist.',
    blocked: 'Das würde die Wiederherstellung anhalten',
    warnings: 'Gut zu wissen',
    clear: 'Nichts steht im Weg.',
    lookAgain: 'Erneut ansehen',
  },
  confirm: {
    sentence: (name, target) => `Die Sicherung ${name} geht in das Ziel ${target}.`,
    replaces: what => `Das Ziel verliert, was es jetzt hält: ${what}.`,
    type: 'Geben Sie zur Bestätigung den Namen des Ziels ein',
    typeHint: target => `Sein Name ist ${target}`,
    wrong: 'Das ist nicht der Name des Ziels.',
    start: 'Wiederherstellung beginnen',
    same: 'Dasselbe auf anderem Weg',
    command: 'Als Kommando',
    curl: 'Mit curl',
    curlHint: 'KEY ist ein Schlüssel der HTTP-API mit dem Recht restore.',
    copy: 'Kopieren',
    copied: 'Kopiert',
  },
  started: {
    goesOn:
      'Sie läuft weiter, wenn Sie diesen Tab schließen. Kommen Sie zurück, wann Sie wollen: Ihr Auftrag sagt, wie es ausging.',
    job: 'Auftrag öffnen',
    queued: 'Die Wiederherstellung wartet, bis sie an der Reihe ist.',
    running: 'Die Wiederherstellung läuft.',
    done: 'Die Wiederherstellung ist fertig.',
    holds: target => `${target} enthält die Sicherung.`,
    holdsTables: (target, tables, rows) =>
      `${target} enthält die Sicherung: ${tables} mit ${rows}, wie sie beim Sichern gezählt wurden.`,
    tables: count => (count === 1 ? 'Tabelle' : 'Tabellen'),
    rows: count => (count === 1 ? 'Zeile' : 'Zeilen'),
    failed: 'Die Wiederherstellung ist fehlgeschlagen. Das Ziel ist, wie es vorher war.',
    interrupted: 'Die Wiederherstellung brach ab.',
    cancelled: 'Die Wiederherstellung wurde abgebrochen. Das Ziel ist, wie es vorher war.',
    progress: (done, total) => `${done} von ${total}`,
    another: 'In ein anderes Ziel wiederherstellen',
  },
}
