import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Member } from '@telegram-backup/archive'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { membersOfTar } from '#restore/member/members-of-tar.ts'
import { drillDirectory } from '#verification/drill-directory.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drill-directory-'))
})

afterEach(() => {
  expect(readdirSync(folder), 'no folder is left').toEqual([])
  rmSync(folder, { recursive: true })
})

/** A tar file of `./a` and `./b`. */
function tarOf(contents: { a: string; b: string }): Buffer {
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  try {
    for (const [name, text] of Object.entries(contents))
      writeFileSync(join(tree, name), text, { mode: 0o644 })
    return execFileSync('tar', ['-C', tree, '--mtime=@1700000000', '-cf', '-', './a', './b'])
  } finally {
    rmSync(tree, { recursive: true })
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** What differs; `compared` stands for what lies in the backup once the tree was unpacked. */
async function differences(tar: Buffer, members: Member[], compared = tar): Promise<unknown> {
  let opened = 0
  const drilled = await drillDirectory({
    backup: { id: 'b', size: tar.length },
    open: () => once(opened++ === 0 ? tar : compared),
    ...{ members, stateFolder: folder, signal: new AbortController().signal },
  })
  return drilled.differences.map(({ name, expected, found }) => [name, expected, found])
}

it('a directory that is as it was has no differences', async () => {
  const tar = tarOf({ a: 'one', b: 'two' })
  expect(await differences(tar, await Array.fromAsync(membersOfTar(once(tar))))).toEqual([])
})

it('a member that the list has otherwise, only it, or not at all is told by name', async () => {
  const tar = tarOf({ a: 'one', b: 'two' })
  const [a, b] = await Array.fromAsync(membersOfTar(once(tar)))
  if (a === undefined || b === undefined) throw new Error('Two members were expected')
  expect(await differences(tar, [{ ...a, size: 4 }, b, { ...b, path: 'c' }])).toEqual([
    ['a', 'a file of 4 bytes, a', 'a file of 3 bytes, a'],
    ['c', 'a file of 3 bytes, c', 'not in the tar file'],
  ])
  expect(await differences(tar, [a])).toEqual([['b', 'not in the list', 'a file of 3 bytes, b']])
})

it('a tree that is not what the backup holds is told by tar', async () => {
  const tar = tarOf({ a: 'one', b: 'two' })
  const other = tarOf({ a: 'one', b: 'TWO' })
  const members = await Array.fromAsync(membersOfTar(once(other)))
  expect(await differences(tar, members, other)).toEqual([
    [expect.stringMatching(/^(\.\/)?b$/), 'as in the backup', 'Contents differ'],
  ])
})
