import type { Words } from '#words/en/index.ts'

export const keys: Words['keys'] = {
  name: 'Имя',
  expires: 'Истекает',
  expiry: { '30d': 'Через 30 дней', '90d': 'Через 90 дней', '365d': 'Через год', never: 'Никогда' },
  never: 'никогда',
  lastUsed: 'Использован',
  state: 'Состояние',
  states: { valid: 'действует', expired: 'истёк', revoked: 'отозван' },
  create: 'Создать',
  cancel: 'Отмена',
  revoke: 'Отозвать',
  revoked: 'Отозван',
}
