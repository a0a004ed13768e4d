import { spawn } from 'node:child_process'
import { closeSync, createReadStream, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { type ArchiveSource, writeArchive } from '#index.ts'
import {
  archiveOf,
  bytesOf,
  dumpText,
  leftovers,
  listOf,
  makeFifo,
  noise,
  readerOf,
  rejectionOf,
  sampleBackup,
  sha256,
} from '#test/sample-archives.ts'

const folder = mkdtempSync(join(tmpdir(), 'archive-sources-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function roundTrip(source: ArchiveSource): Promise<Buffer> {
  const { backup, parts } = await archiveOf(source, { partSizeBytes: 200_000 })
  return bytesOf(readerOf(parts, { backupId: backup.id }))
}

function fileOf(bytes: Uint8Array): number {
  const path = join(folder, 'source')
  writeFileSync(path, bytes)
  return openSync(path, 'r')
}

describe('a source', () => {
  const bytes = Buffer.concat([dumpText(700_000), noise(500_000)])

  it('may be a file, which is read from its current position and left open', async () => {
    const fd = fileOf(bytes)
    readSync(fd, Buffer.alloc(1000))
    expect(sha256(await roundTrip({ fd }))).toBe(sha256(bytes.subarray(1000)))
    closeSync(fd)
  })

  it('may be the output of a process through a pipe', async () => {
    const before = leftovers()
    const path = join(folder, 'fifo')
    makeFifo(path)
    const both = openSync(path, 'r+')
    const fd = openSync(path, 'r')
    const child = spawn('head', ['-c', '3000000', '/dev/zero'], { stdio: ['ignore', both, 'inherit'] })
    closeSync(both)
    const restored = await roundTrip({ fd })
    expect(restored.equals(Buffer.alloc(3_000_000))).toBe(true)
    expect(child.exitCode ?? 0).toBe(0)
    closeSync(fd)
    expect(leftovers()).toEqual(before)
  })

  it('may be a stream of chunks of any length, an array, or a stream on a file', async () => {
    expect(
      sha256(await roundTrip(Readable.from([bytes.subarray(0, 1), Buffer.alloc(0), bytes.subarray(1)]))),
    ).toBe(sha256(bytes))
    expect(sha256(await roundTrip(new Uint8Array(bytes)))).toBe(sha256(bytes))
    expect(sha256(await roundTrip(new Blob([new Uint8Array(bytes)]).stream()))).toBe(sha256(bytes))
  })

  it('may give strings, which are taken as UTF-8', async () => {
    const text = `${'naïve – 日本語 – 🗄️\n'.repeat(20_000)}end`
    const path = join(folder, 'text')
    writeFileSync(path, text)
    for (const stream of [
      Readable.from(text),
      Readable.from(['', ...(text.match(/.{1,1000}/gsu) ?? [])]),
      Readable.from([text.slice(0, 9), Buffer.from(text.slice(9))]),
      createReadStream(path, { encoding: 'utf8', highWaterMark: 1001 }),
    ]) {
      expect((await roundTrip(stream)).toString()).toBe(text)
    }
    expect((await roundTrip(Readable.from(['a\ud800', 'b']))).toString()).toBe('a\ufffdb')
  })

  it.each([{}, 7, true, new ArrayBuffer(1), [1, 2]])('that gives %j is refused', async value => {
    expect(await rejectionOf(archiveOf(Readable.from([Buffer.from('x'), value])))).toMatchObject({
      code: 'SOURCE',
      hint: expect.any(String),
    })
  })

  it('that the system cannot read is refused with the name of its error, and not its text', async () => {
    const missing = join(folder, 'missing')
    expect(await rejectionOf(archiveOf(createReadStream(missing)))).toMatchObject({
      code: 'SOURCE',
      message: 'The source of the backup failed while it was read (ENOENT)',
      hint: expect.stringContaining('check the path'),
      cause: { code: 'ENOENT' },
    })
    // A file that opens, and fails when it is read.
    const fd = openSync('/proc/self/mem', 'r')
    expect(await rejectionOf(archiveOf({ fd }))).toMatchObject({
      code: 'SOURCE',
      message: 'The source of the backup failed while it was read (EIO)',
      hint: expect.stringContaining('disk'),
    })
    closeSync(fd)
  })

  it('that fails with a code of its own does not get it into the message', async () => {
    const failing = Readable.from([]).destroy(Object.assign(new Error('x'), { code: 'ESECRET' }))
    expect(await rejectionOf(archiveOf(failing))).toMatchObject({
      code: 'SOURCE',
      message: 'The source of the backup failed while it was read',
    })
  })

  it('that was already read to its end does not become an empty backup', async () => {
    const stream = Readable.from([Buffer.from('x')])
    await listOf(stream)
    expect(await rejectionOf(archiveOf(stream))).toMatchObject({ code: 'SOURCE' })
  })

  it('that fails midway fails the archive with its error as the cause, and no last part comes out', async () => {
    const before = leftovers()
    const cause = new Error('the disk is gone')
    async function* failing(): AsyncGenerator<Buffer> {
      yield noise(100_000)
      throw cause
    }
    const numbers: boolean[] = []
    const writer = writeArchive(failing(), {
      backup: sampleBackup(),
      encryption: 'off',
      partSizeBytes: 20_000,
    })
    const error = await rejectionOf(
      (async () => {
        for await (const part of writer) numbers.push(part.last)
      })(),
    )
    expect(error).toMatchObject({ code: 'SOURCE', cause })
    expect(numbers).not.toContain(true)
    expect(() => writer.summary).toThrow()
    expect(leftovers()).toEqual(before)
  })

  it('that is a closed descriptor or a folder is refused', async () => {
    const closed = fileOf(bytes)
    closeSync(closed)
    expect(await rejectionOf(archiveOf({ fd: closed }))).toMatchObject({ code: 'SOURCE' })
    const directory = openSync(folder, 'r')
    expect(await rejectionOf(archiveOf({ fd: directory }))).toMatchObject({ code: 'SOURCE' })
    closeSync(directory)
  })

  it('that is the descriptor of a socket is refused with a hint to pass the stream', async () => {
    const server = createServer().listen(0)
    const address = server.address()
    const socket = connect(typeof address === 'object' && address ? address.port : 0)
    await new Promise(resolve => socket.once('connect', resolve))
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle
    expect(await rejectionOf(archiveOf({ fd }))).toMatchObject({
      code: 'SOURCE',
      hint: expect.stringContaining('stream'),
    })
    socket.destroy()
    server.close()
  })
})
