import { expect, it } from 'vitest'
import {
  contentRequest,
  fetchCommand,
  fetchPathCommand,
  restoreCommand,
  restorePathCommand,
  restoreRequest,
  restoreTableCommand,
} from '#screens/restore/same-act.ts'

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

it('a part of a backup stands in a command that a shell reads as it is', () => {
  expect(restoreTableCommand(ID, { to: 'staging', table: 'sales.It’s $(id)' })).toBe(
    `telegram-backup restore ${ID} --to staging --table 'sales.It’s $(id)' --as 'sales.It’s $(id)_restored'`,
  )
  expect(restorePathCommand(ID, 'a b/*.pem')).toBe(
    `telegram-backup restore ${ID} --to ./restored --path 'a b/*.pem'`,
  )
  expect(fetchPathCommand(ID, 'etc/nginx.conf')).toBe(
    `telegram-backup fetch ${ID} --path etc/nginx.conf --out nginx.conf`,
  )
})

it('a name from a backup becomes neither a path, nor an option, nor a second line', () => {
  const outOf = (filename: string) => fetchCommand(ID, filename).split(' --out ')[1]
  expect(outOf('../../etc/passwd')).toBe('passwd')
  expect(outOf('-rf')).toBe('./backup-rf')
  expect(outOf('..')).toBe('./backup..')
  expect(outOf('')).toBe('./backup')
  expect(outOf('a\nb\u202e')).toBe('a_b_')
  expect(contentRequest('https://host/api/v1', { id: ID, filename: 'it’s.sql' })).toContain(
    "  -o 'it’s.sql' \\\n",
  )
})
