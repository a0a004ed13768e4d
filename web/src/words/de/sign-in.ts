import type { Words } from '#words/en/index.ts'

export const signIn: Words['signIn'] = {
  title: 'Anmelden',
  name: 'Name',
  password: 'Passwort',
  button: 'Anmelden',
  showTyped: 'Eingabe zeigen oder verbergen',
  firstTime:
    'Zum ersten Mal hier? Legen Sie auf dem Server den ersten Administrator an, und öffnen Sie den Link, der erscheint:',
  lost: 'Passwort vergessen? Ein neuer Link hilft. Ein Administrator macht ihn auf der Seite „Personen“, oder auf dem Server:',
  link: {
    title: 'Willkommen',
    for: (name, role) => `Dieser Link meldet Sie als ${name} an (${role}).`,
    text: 'Wählen Sie ein Passwort für das nächste Mal.',
    once: 'Dieser Link gilt einmal, und nur 15 Minuten lang.',
    until: time => `Dieser Link gilt einmal, bis ${time}.`,
    rule: 'Mindestens 12 Zeichen. Vier Wörter, die nicht zusammengehören, sind gut.',
    withoutPassword: 'Ohne Passwort weiter',
    withoutHint:
      'Ohne Passwort brauchen Sie jedes Mal einen neuen Link, auch für Schritte, die Sie bestätigen müssen.',
    missing: 'Hier ist kein Link',
    missingText:
      'Die Adresse eines Links endet mit # und einem langen Wort, das nach dem Lesen entfernt wird. Öffnen Sie den Link noch einmal so, wie Sie ihn bekommen haben.',
    toSignIn: 'Mit Passwort anmelden',
  },
  strength: {
    label: 'Stärke',
    missing: count => `noch ${count} Zeichen`,
    weak: 'Schwach: leicht zu erraten',
    fair: 'Mittel',
    good: 'Gut',
  },
  problems: {
    wrong: 'Name oder Passwort ist falsch',
    wrongHint: 'Versuchen Sie es noch einmal. Nach vielen falschen Versuchen müssen Sie warten.',
    usedLink: 'Dieser Link gilt nicht mehr',
    usedLinkHint:
      'Er wurde schon benutzt, ist älter als 15 Minuten oder wurde durch einen neuen ersetzt. Bitten Sie einen Administrator um einen neuen, oder führen Sie auf dem Server aus: telegram-backup user link NAME',
    clearText: 'Unter dieser Adresse ist die Anmeldung nicht sicher',
    clearTextHint:
      'Die Seite kam über unverschlüsseltes HTTP; andere im Netz könnten das Passwort mitlesen. Öffnen Sie sie mit https:// oder auf dem Server selbst unter http://localhost. Dazu braucht serve ein Zertifikat, oder nennen Sie den Proxy davor (trust_proxy).',
    tooMany: 'Zu viele falsche Versuche',
    wait: time => `Warten Sie ${time}, und versuchen Sie es noch einmal.`,
  },
  account: {
    sessions: 'Meine Sitzungen',
    setPassword: 'Passwort festlegen',
    changePassword: 'Passwort ändern',
    newPassword: 'Neues Passwort',
    passwordHint: 'Ihre anderen Sitzungen enden.',
    save: 'Speichern',
    saved: 'Ihr Passwort ist gesetzt',
  },
  passkey: {
    use: 'Passkey verwenden',
    wrong: 'Dieser Passkey wurde nicht angenommen',
    wrongHint: 'Versuchen Sie es noch einmal. Ein entfernter oder fremder Passkey gilt hier nicht.',
    address:
      'Passkeys brauchen einen Namen in der Adresse. Öffnen Sie auf dem Server selbst http://localhost mit demselben Port.',
    clear: 'Passkeys brauchen https, oder http://localhost auf dem Server selbst.',
    title: 'Passkeys',
    text: 'Mit einem Passkey melden Sie sich mit Fingerabdruck, Gesicht oder PIN an, und kein Passwort kann gestohlen werden.',
    caption: 'Ihre Passkeys',
    name: 'Name des Passkeys',
    nameHint: 'Damit Sie ihn wiedererkennen, etwa das Gerät, auf dem er liegt.',
    add: 'Passkey hinzufügen',
    added: 'Der Passkey kann benutzt werden',
    worksAt: 'Gilt für',
    addedAt: 'Hinzugefügt',
    lastUsed: 'Zuletzt benutzt',
    remove: 'Entfernen',
    removeOf: name => `Passkey ${name} entfernen`,
    removed: 'Der Passkey ist entfernt',
    empty: 'Sie haben noch keine Passkeys',
    refused: 'Es kam kein Passkey',
    refusedHint:
      'Es wurde abgebrochen, dauerte zu lange, oder das Gerät hat keinen für diese Adresse. Versuchen Sie es noch einmal.',
    known: 'Dieses Gerät hat schon einen Passkey von Ihnen',
  },
  provider: {
    use: title => `Weiter mit ${title}`,
    again: title => `Bei ${title} bestätigen, dann wiederholen`,
    or: 'oder',
    title: 'Einen Moment',
    text: 'Sie werden angemeldet.',
    refused: 'Sie sind nicht angemeldet',
    back: 'Zurück zur Anmeldung',
  },
  again: {
    title: 'Sind Sie es?',
    text: 'Ihre letzte Bestätigung ist älter als fünf Minuten. Bestätigen Sie noch einmal, wer Sie sind, um fortzufahren.',
    button: 'Weiter',
    cancel: 'Abbrechen',
    wrong: 'Das Passwort ist falsch',
    without:
      'Dieser Schritt verlangt eine Bestätigung, und Sie haben kein Passwort. Bitten Sie um einen neuen Link, wählen Sie beim Öffnen ein Passwort, und wiederholen Sie den Schritt. Ein Passkey tut es auch, wenn Sie einen haben.',
  },
}
