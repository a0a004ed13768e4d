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
    noneHint: 'Schreiben Sie eines unter „targets:“ in telegram-backup.yaml, dann erscheint es hier:',
    noneCommand: 'Oder stellen Sie mit der Kommandozeile wieder her, auf einem Rechner mit dem Schlüssel:',
    kind: kind => `Art: ${kind}`,
    project: project => `Projekt: ${project}`,
    anyProject: 'Alle Projekte',
    otherKind: (backup, target) =>
      `Passt vermutlich nicht: Die Sicherung ist von der Art ${backup}, das Ziel ${target}.`,
    choice: 'Wählen Sie ein Ziel.',
    onlyCommand:
      'Ein Server stellt nur in Datenbanken wieder her. Stellen Sie diese Sicherung mit der Kommandozeile in ein Verzeichnis wieder her, oder laden Sie ihre Datei herunter:',
  },
  plan: {
    looking: 'Der Server sieht sich das Ziel an. Das verändert nichts.',
    facts: 'Was die Wiederherstellung tut',
    fetches: 'Holt',
    fetched: (size, number) => `${size} in ${parts(number)} aus dem Chat`,
    writes: 'Schreibt',
    takes: 'Dauert',
    takesAbout: time => `etwa ${time}`,
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
    done: 'Die Wiederherstellung ist fertig. Das Ziel hält die Sicherung.',
    failed: 'Die Wiederherstellung ist fehlgeschlagen. Das Ziel ist, wie es vorher war.',
    interrupted: 'Die Wiederherstellung brach ab.',
    cancelled: 'Die Wiederherstellung wurde abgebrochen. Das Ziel ist, wie es vorher war.',
    progress: (done, total) => `${done} von ${total}`,
    another: 'In ein anderes Ziel wiederherstellen',
  },
}
