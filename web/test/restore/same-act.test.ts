import { expect, it } from 'vitest'
import { restoreCommand, restoreRequest } from '#screens/restore/same-act.ts'

const ID = '6f05f939-9f5f-4bb0-a988-d46c9d838abd'

it('a shell reads the name of the target as it is, whatever is in it', () => {
  expect(restoreCommand(ID, { to: 'staging', overwrite: false })).toBe(
    `telegram-backup restore ${ID} --to staging`,
  )
  expect(restoreCommand(ID, { to: `it's $(id)`, overwrite: true })).toBe(
    `telegram-backup restore ${ID} --to 'it'\\''s $(id)' --overwrite`,
  )
})

it('the request has the body that the page sends', () => {
  const lines = restoreRequest('https://host/below/api/v1', { id: ID, target: `it's`, overwrite: true })
  expect(lines).toContain(`  -d '{"target":"it'\\''s","overwrite":true}' \\`)
  expect(lines.endsWith(`  https://host/below/api/v1/backups/${ID}/restore`)).toBe(true)
})
