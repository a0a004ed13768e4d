import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type Member, readMemberIndex } from '@telegram-backup/archive'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drillDirectory } from '#directory/drill-directory.ts'
import { membersOfTar } from '#directory/members-of-tar.ts'
import { openDirectorySource } from '#directory/pack/tar-source.ts'
import type { Scratch } from '#drilling.ts'

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

/** Places below the folder of this test. */
function scratchIn(parent: string): Scratch {
  return {
    folder: async (_sizeBytes, use) => {
      const path = mkdtempSync(join(parent, 'scratch-'))
      try {
        return await use(path)
      } finally {
        rmSync(path, { recursive: true })
      }
    },
    postgres: async () => {
      throw new Error('A directory needs no server')
    },
  }
}

/** What differs; `compared` stands for what lies in the backup once the tree was unpacked. */
async function differences(tar: Buffer, members: Member[], compared = tar): Promise<unknown> {
  let opened = 0
  const drilled = await drillDirectory(
    { size: tar.length },
    {
      open: () => once(opened++ === 0 ? tar : compared),
      members: async () => members,
      ...{ scratch: scratchIn(folder), signal: new AbortController().signal },
    },
  )
  return drilled.differences.map(({ object, expected, found }) => [object, expected, found])
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

it('a file whose contents are not those that the send has hashed is told by its SHA-256', async () => {
  const tar = tarOf({ a: 'one', b: 'two' })
  const members = await Array.fromAsync(membersOfTar(once(tar)))
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
  const [a, b] = members.map(one => ({ ...one, sha256: sha256(one.path === 'a' ? 'one' : 'TWO') }))
  if (a === undefined || b === undefined) throw new Error('Two members were expected')
  expect(await differences(tar, [a, b])).toEqual([
    ['b', `SHA-256 ${sha256('TWO')}`, `SHA-256 ${sha256('two')}`],
  ])
})

it('a tree that is not what the backup holds is told by tar', async () => {
  const tar = tarOf({ a: 'one', b: 'two' })
  const other = tarOf({ a: 'one', b: 'TWO' })
  const members = await Array.fromAsync(membersOfTar(once(other)))
  expect(await differences(tar, members, other)).toEqual([
    [expect.stringMatching(/^(\.\/)?b$/), 'as in the backup', 'Contents differ'],
  ])
})

const MIB = 2 ** 20
const SPARSE = ['sparse', 'größe', 'x'.repeat(120)]

/** What a send makes of a tree of sparse files, the first of them changed by `change`. */
async function sentSparse(
  change: (path: string) => void = () => {},
): Promise<{ tar: Buffer; members: Member[] }> {
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  try {
    for (const name of SPARSE) {
      writeFileSync(join(tree, name), 'begin')
      truncateSync(join(tree, name), 8 * MIB)
      writeAt(join(tree, name), 4 * MIB, 'middle')
    }
    writeFileSync(join(tree, 'hole'), '')
    truncateSync(join(tree, 'hole'), MIB)
    change(join(tree, 'sparse'))
    for (const name of [...SPARSE, 'hole', '.']) utimesSync(join(tree, name), 1_700_000_000, 1_700_000_000)
    const source = await openDirectorySource(tree, {
      ...{ exclude: [], oneFileSystem: false, allow: [], mayGrow: false, proof: 'fast' },
    })
    const { fd } = source.archiveSource as { fd: number }
    // Opened once more without waiting for a writer: tar may have ended by now.
    const again = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK)
    const tar = await buffer(new Socket({ fd: again, readable: true, writable: false }))
    const { members } = await source.finish(tar.length)
    await source.close()
    if (members === undefined) throw new Error('A list of members was expected')
    return { tar, members: [...readMemberIndex(members)] }
  } finally {
    rmSync(tree, { recursive: true })
  }
}

function writeAt(path: string, position: number, text: string): void {
  const fd = openSync(path, 'r+')
  writeSync(fd, text, position)
  closeSync(fd)
}

describe('a sparse file', () => {
  it('that is as it was has no differences', async () => {
    const { tar, members } = await sentSparse()
    expect(tar.length).toBeLessThan(MIB)
    expect(await differences(tar, members)).toEqual([])
  })

  it.each([
    ['a byte of its data is another', (path: string) => writeAt(path, 4 * MIB + 2, 'X')],
    ['a byte in a hole is another', (path: string) => writeAt(path, 6 * MIB, 'X')],
    ['it is longer', (path: string) => truncateSync(path, 9 * MIB)],
    ['it is shorter', (path: string) => truncateSync(path, 7 * MIB)],
  ])('of which %s is told by name', async (_what, change) => {
    const restored = await sentSparse(change)
    const { tar, members } = await sentSparse()
    expect(await differences(restored.tar, members, tar)).toEqual([
      [expect.stringMatching(/^(\.\/)?sparse$/), 'as in the backup', expect.any(String)],
    ])
  })
})
