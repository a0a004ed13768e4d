import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSecretFile } from '#secret-file.ts'

const run = promisify(execFile)
let folder: string
let fifo: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secret-file-'))
  fifo = join(folder, 'fifo')
  await run('mkfifo', [fifo])
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('a secret is read', () => {
  it('from a file, an empty one too, and through a link', async () => {
    await writeFile(join(folder, 'file'), 'größe')
    await writeFile(join(folder, 'empty'), '')
    await symlink('file', join(folder, 'link'))
    expect(['file', 'empty', 'link'].map(name => readSecretFile(join(folder, name)))).toEqual([
      'größe',
      '',
      'größe',
    ])
  })

  it('from a FIFO that somebody has written into', () => {
    const reading = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const writing = openSync(fifo, 'w')
    writeSync(writing, 'secret')
    closeSync(writing)
    expect(readSecretFile(fifo)).toBe('secret')
    expect(readSecretFile(fifo), 'what comes only once is kept').toBe('secret')
    closeSync(reading)
  })

  it('from a FIFO whose writer takes its time', async () => {
    const reading = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const script = 'exec 3>"$1"; echo ready; sleep 0.1; printf sec >&3; sleep 0.1; printf ret >&3'
    const writer = spawn('sh', ['-c', script, 'sh', fifo], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(writer, 'close')
    await once(writer.stdout, 'data')
    expect(readSecretFile(fifo)).toBe('secret')
    closeSync(reading)
    await closed
  })
})

describe('a secret is refused', () => {
  it('from a FIFO into which nobody writes, instead of waiting', () => {
    expect(() => readSecretFile(fifo)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining('nobody writes') }),
    )
  })

  it('from what has no end', () => {
    expect(() => readSecretFile('/dev/zero')).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining('too large') }),
    )
  })

  it('from a folder, and where there is none', async () => {
    await mkdir(join(folder, 'folder'))
    expect(() => readSecretFile(join(folder, 'folder'))).toThrow(expect.objectContaining({ code: 'EISDIR' }))
    expect(() => readSecretFile(join(folder, 'none'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })

  it('where a look at what was opened says so, before it is read', () => {
    const refuse = (): never => {
      throw new Error('not this one')
    }
    expect(() => readSecretFile(fifo, refuse)).toThrow('not this one')
  })
})
