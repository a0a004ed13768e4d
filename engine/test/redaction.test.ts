import { readFile } from 'node:fs/promises'
import { CatalogError } from '@telegram-backup/database'
import { BackupError, describeError, redactError } from '@telegram-backup/errors'
import { expect, test } from 'vitest'

const UNFORESEEN = { code: 'UNEXPECTED', message: 'An internal error occurred; the log has the details' }

test('words that were made for people leave as they are, without secrets', () => {
  expect(redactError(new CatalogError('Another one runs', { code: 'BUSY', hint: 'Wait.' }))).toEqual({
    code: 'BUSY',
    message: 'Another one runs',
    hint: 'Wait.',
  })
  const token = `123456789:${'A'.repeat(35)}`
  const error = new BackupError(`asked /bot${token}/getMe`, { code: 'REFUSED', hint: `not ${token}` })
  expect(JSON.stringify(redactError(error))).not.toContain(token)
})

test('what a system or a library says does not leave, nor what repeats it', async () => {
  const missing: unknown = await readFile('/nowhere/at/all').catch((error: unknown) => error)
  const { code, message } = describeError(missing)
  expect(message).toContain('/nowhere/at/all')
  for (const error of [
    missing,
    new BackupError(`Failed to send: ${message}`, { code, hint: 'see /nowhere' }),
    new BackupError(message, { code: 'UNEXPECTED' }),
    Object.assign(new Error('password authentication failed for user "admin"'), { code: 'CATALOG' }),
    new TypeError('x is not a function'),
    AbortSignal.abort().reason,
    'a text at /nowhere',
    undefined,
  ]) {
    expect(redactError(error)).toEqual(UNFORESEEN)
  }
})
