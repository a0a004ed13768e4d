import type { Words } from '#words/en/index.ts'

export const keys: Words['keys'] = {
  name: 'Name',
  expires: 'Läuft ab',
  expiry: { '30d': 'In 30 Tagen', '90d': 'In 90 Tagen', '365d': 'In einem Jahr', never: 'Nie' },
  never: 'nie',
  lastUsed: 'Zuletzt benutzt',
  state: 'Zustand',
  states: { valid: 'gültig', expired: 'abgelaufen', revoked: 'widerrufen' },
  create: 'Erstellen',
  cancel: 'Abbrechen',
  revoke: 'Widerrufen',
  revoked: 'Widerrufen',
}
