import { execFileSync } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSharedPlace, type SharedPlace } from '@telegram-backup/test-support/shared-place.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeToFile } from '#restore/output-file.ts'

// `fetch --out` of root into a folder where another user of the machine may plant what he likes.

let place: SharedPlace
let root: string
let shared: string
let precious: string
let out: string
let asOther: SharedPlace['asOther']

beforeEach(async () => {
  place = await openSharedPlace()
  ;({ root, shared, precious, asOther } = place)
  out = join(shared, 'shop.sql')
})

afterEach(() => place.close())

async function* secret(meanwhile: () => Promise<unknown> = async () => {}): AsyncGenerator<Buffer> {
  yield Buffer.from('sec')
  await meanwhile()
  yield Buffer.from('ret')
}

const assertPrecious = async (): Promise<void> => {
  expect(await readdir(precious)).toEqual(['key'])
  expect(await readFile(join(precious, 'key'), 'utf8')).toBe('precious')
}

// Only root can play two users.
describe.skipIf(process.getuid?.() !== 0)('in a folder that others may write to, fetch --out', () => {
  it.each([
    ['file', 'ln -s ../precious/key shop.sql'],
    ['file by a chain of links', 'ln -s shop.2 shop.sql; ln -s ../precious/key shop.2'],
    ['new file', 'ln -s ../precious/new shop.sql'],
    ['device', 'ln -s /dev/null shop.sql'],
  ])('writes to no %s that another user’s link leads to', async (_what, script) => {
    await asOther(script)
    await expect(writeToFile(secret(), out)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('link of another user'),
    })
    await assertPrecious()
    expect((await lstat(out)).isSymbolicLink()).toBe(true)
  })

  it('leaves no file to another user’s link behind one of our own', async () => {
    await asOther('ln -s ../precious/key theirs')
    const own = join(root, 'own')
    await symlink('shared/theirs', own)
    await expect(writeToFile(secret(), own)).rejects.toMatchObject({ code: 'USAGE' })
    await assertPrecious()
  })

  it('gives nobody to read what took the place of his file', async () => {
    await asOther('umask 0; echo mine > shop.sql')
    await writeToFile(secret(), out)
    expect(await readFile(out, 'utf8')).toBe('secret')
    expect(await stat(out)).toMatchObject({ uid: process.getuid?.() })
    expect((await stat(out)).mode & 0o777).toBe(0o600)
    await expect(asOther('cat shop.sql')).rejects.toThrow('Permission denied')
  })

  it('hands nothing to a device or a FIFO that took the place of a file after the look at it', async () => {
    await writeFile(out, 'before', { mode: 0o600 })
    await writeToFile(
      secret(() => asOther('rm -f shop.sql; mkfifo -m 666 shop.sql')),
      out,
    )
    expect((await lstat(out)).isFile()).toBe(true)
    expect((await stat(out)).mode & 0o777).toBe(0o600)
  })

  it('writes where it began to, also when the folder was exchanged for a link meanwhile', async () => {
    await asOther('mkdir -m 777 sub')
    const moved = async (): Promise<void> => {
      await asOther('mv sub moved; ln -s ../precious sub')
    }
    await writeToFile(secret(moved), join(shared, 'sub', 'key'))
    await assertPrecious()
    expect(await readFile(join(shared, 'moved', 'key'), 'utf8')).toBe('secret')
    expect(await readdir(join(shared, 'moved'))).toEqual(['key'])
  })

  it('removes nothing but its own when it fails after the folder was exchanged', async () => {
    await asOther('mkdir -m 777 sub')
    await expect(
      writeToFile(
        secret(async () => {
          const [name = ''] = await readdir(join(shared, 'sub'))
          await rename(join(precious, 'key'), join(precious, name))
          await asOther('mv sub moved; ln -s ../precious sub')
          throw new Error('damaged')
        }),
        join(shared, 'sub', 'out'),
      ),
    ).rejects.toThrow('damaged')
    expect(await readdir(precious)).toHaveLength(1)
    expect(await readdir(join(shared, 'moved'))).toEqual([])
  })
})

describe('fetch --out', () => {
  it('follows links of its own user, each from where it lies', async () => {
    const link = join(root, 'link')
    await mkdir(join(root, 'deep'))
    await symlink('deep/second', link)
    await symlink('../precious/key', join(root, 'deep', 'second'))
    await writeToFile(secret(), link)
    expect(await readFile(join(precious, 'key'), 'utf8')).toBe('secret')
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    await symlink('ring', join(root, 'ring'))
    await expect(writeToFile(secret(), join(root, 'ring'))).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('writes to its own FIFO and to a name of bytes that are no text', async () => {
    const fifo = join(root, 'fifo')
    execFileSync('bash', ['-c', 'mkfifo "$0"', fifo])
    const [read] = await Promise.all([readFile(fifo, 'utf8'), writeToFile(secret(), fifo)])
    expect(read).toBe('secret')
    await writeToFile(secret(), `${root}/\udc80name`)
    expect(await readdir(root, { encoding: 'latin1' })).toContain('\x80name')
  })
})
