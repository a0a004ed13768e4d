import { expect, it } from 'vitest'
import { differencesOf } from '#operations/members.ts'

it('a file with the same size and time and another SHA-256 has other contents', () => {
  const attributes = { mode: 0o644, owner: 'a', group: 'a', modifiedMs: 1 }
  const file = { path: 'a', offset: 0, size: 1, kind: 'file', attributes, sha256: 'ab'.repeat(32) } as const
  expect(differencesOf(file, { ...file, sha256: 'cd'.repeat(32) })).toEqual(['contents'])
  expect(differencesOf(file, { ...file, offset: 512 })).toEqual([])
  expect(differencesOf(file, { ...file, sha256: undefined })).toEqual([])
})
