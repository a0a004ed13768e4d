import { BackupError } from '@telegram-backup/errors'
import { expect, it } from 'vitest'
import { namingFolder } from '#directory/unpack/naming-folder.ts'

const PLACE = { name: 'restored', path: '/srv/hidden/documents' }

it('readers of a job see the name of a folder target, and no path of the server', () => {
  const error = new BackupError('/srv/hidden/documents is not empty; /srv/hidden is full', {
    code: 'USAGE',
    hint: 'Empty /srv/hidden/documents first.',
  })
  const { message, hint, code } = namingFolder(error, PLACE) as BackupError
  expect({ message, code }).toEqual({ message: 'target restored is not empty; … is full', code: 'USAGE' })
  expect(hint).toBe('Empty target restored first.')
})

it('an error without words of ours comes back as it is', () => {
  const error = new TypeError('/srv/hidden/documents')
  expect(namingFolder(error, PLACE)).toBe(error)
})
