import { expect, it } from 'vitest'
import { backupName } from '#screens/backups/backup-name.ts'

const BY_HAND = {
  id: '6f05f939-9f5f-4bb0-a988-d46c9d838abd',
  source_name: null,
  member: null,
  filename: 'shop_storage.bin',
}

it('a backup is called by its source and member, its own file name, the name in the chat, or its id', () => {
  expect(backupName({ ...BY_HAND, source_name: 'shop' })).toBe('shop')
  expect(backupName({ ...BY_HAND, source_name: 'all', member: 'globals' })).toBe('all · globals')
  expect(backupName({ ...BY_HAND, source: { filename: 'disk.img' } })).toBe('disk.img')
  expect(backupName({ ...BY_HAND, source: { filename: 7 } })).toBe('shop_storage.bin')
  expect(backupName({ ...BY_HAND, filename: null })).toBe('6f05f939')
})
