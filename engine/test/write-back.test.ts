import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeToFile } from '#restore/output-file.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'write-back-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function* bytes(...pieces: Array<string | Error>): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    if (piece instanceof Error) throw piece
    yield Buffer.from(piece)
  }
}

describe('writing a file back', () => {
  it('makes a new file for the owner only, whole', async () => {
    const path = join(folder, 'new')
    expect(await writeToFile(bytes('ab', '', 'c'), path)).toBe(3)
    expect(await readFile(path, 'utf8')).toBe('abc')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['new'])
  })

  it('keeps the mode of a file that was there, and the link that leads to it', async () => {
    const path = join(folder, 'old')
    await writeFile(path, 'before')
    await chmod(path, 0o640)
    const link = join(folder, 'link')
    await symlink(path, link)
    await writeToFile(bytes('after'), link)
    expect(await readFile(path, 'utf8')).toBe('after')
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect(await readlink(link)).toBe(path)
  })

  it('that fails leaves what was there, and nothing else', async () => {
    const path = join(folder, 'precious')
    await writeFile(path, 'precious')
    await expect(writeToFile(bytes('a', new Error('damaged')), path)).rejects.toThrow('damaged')
    await expect(writeToFile(bytes('a', new Error('damaged')), join(folder, 'never'))).rejects.toThrow(
      'damaged',
    )
    expect(await readFile(path, 'utf8')).toBe('precious')
    expect(await readdir(folder)).toEqual(['precious'])
  })

  it('names what is wrong with a place that cannot be written, before a byte is asked for', async () => {
    let asked = false
    const source = (async function* (): AsyncGenerator<Buffer> {
      asked = true
      yield Buffer.from('x')
    })()
    for (const path of [
      '',
      folder,
      join(folder, 'no', 'such'),
      `${folder}/${'x'.repeat(300)}`,
      '/proc/nothing',
    ]) {
      await expect(writeToFile(source, path)).rejects.toMatchObject({ code: 'USAGE' })
    }
    expect(asked).toBe(false)
  })

  it('writes a device as it is', async () => {
    expect(await writeToFile(bytes('gone'), '/dev/null')).toBe(4)
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true)
  })

  it('refuses a FIFO that another user made', async () => {
    const fifo = join(folder, 'fifo')
    execFileSync('bash', ['-c', 'mkfifo -m 666 "$0"', fifo])
    if (process.getuid?.() !== 0) return expect((await stat(fifo)).isFIFO()).toBe(true)
    execFileSync('chown', ['65534', fifo])
    return expect(writeToFile(bytes('secret'), fifo)).rejects.toMatchObject({ code: 'USAGE' })
  })
})
