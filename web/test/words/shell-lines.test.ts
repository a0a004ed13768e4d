import { expect, it } from 'vitest'
import { shellLinesOf } from '#screens/bucket/shell-lines.ts'

const KEY = {
  ...{ id: 'i', bucket_id: 'b', user: 'door-1', name: 'ann', key: 'tbd_1' },
  ...{ created_at: '', expires_at: null, last_used_at: null, revoked_at: null },
}

it.each([
  ['full', 0, 'restic init'],
  ['append', 0, 'restic init'],
  ['append', 100_000, 'restic snapshots'],
  ['full', 2, 'restic snapshots'],
  ['read', 0, 'restic snapshots --no-lock'],
  ['read', 2, 'restic snapshots --no-lock'],
] as const)('with a key that may %s, of %i objects, the first command is %s', (scope, objects, command) => {
  const bucket = { name: 'laptops', objects }
  expect(shellLinesOf({ ...KEY, scope }, bucket, 'https://host/backups/').split('\n')).toEqual([
    'export RESTIC_REPOSITORY=rest:https://host/backups/restic/laptops/',
    'export RESTIC_REST_USERNAME=door-1',
    'export RESTIC_REST_PASSWORD=tbd_1',
    command,
  ])
})
