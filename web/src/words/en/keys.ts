/** Of keys of all kinds. */
export const keys = {
  name: 'Name',
  expires: 'Expires',
  expiry: { '30d': 'In 30 days', '90d': 'In 90 days', '365d': 'In a year', never: 'Never' },
  never: 'never',
  lastUsed: 'Last used',
  state: 'State',
  states: { valid: 'valid', expired: 'expired', revoked: 'revoked' },
  create: 'Create',
  cancel: 'Cancel',
  revoke: 'Revoke',
  revoked: 'Revoked',
}
