import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import { expect, it } from 'vitest'
import { namingFolder } from '#directory/unpack/naming-folder.ts'

const PLACE = { name: 'restored', path: '/srv/hidden/documents' }

it('readers of a job see the name of a folder target, and no path of the server', async () => {
  const error = new BackupError('/srv/hidden/documents is not empty; /srv/hidden is full', {
    code: 'USAGE',
    hint: 'Empty /srv/hidden/documents first.',
  })
  const { message, hint, code } = (await namingFolder(PLACE))(error) as BackupError
  expect({ message, code }).toEqual({ message: 'target restored is not empty; … is full', code: 'USAGE' })
  expect(hint).toBe('Empty target restored first.')
})

it('nor the place that a link leads to, of the folder or of the one above', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'naming-folder-'))
  try {
    await mkdir(join(folder, 'real', 'documents'), { recursive: true })
    await symlink(join(folder, 'real'), join(folder, 'above'))
    await symlink(join(folder, 'real', 'documents'), join(folder, 'link'))
    for (const path of ['above/documents', 'above/new', 'link'].map(end => join(folder, end))) {
      const hide = await namingFolder({ name: 'restored', path })
      const leaf = path.endsWith('new') ? 'new' : 'documents'
      const told = `${join(folder, 'real', leaf)} is not empty; ${join(folder, 'real')} is full`
      const { message } = hide(new BackupError(told)) as BackupError
      expect(message).toBe('target restored is not empty; … is full')
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

it('an error without words of ours comes back as it is', async () => {
  const error = new TypeError('/srv/hidden/documents')
  expect((await namingFolder(PLACE))(error)).toBe(error)
})
