import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { writeArchive } from '#index.ts'
import {
  archiveOf,
  leftovers,
  listOf,
  makeFifo,
  noise,
  rejectionOf,
  SMALL_PART_BYTES,
  sampleBackup,
  sha256,
} from '#test/sample-archives.ts'

const folder = mkdtempSync(join(tmpdir(), 'archive-pipes-'))
const path = join(folder, 'fifo')
afterAll(() => rmSync(folder, { recursive: true }))

let before = leftovers()
beforeEach(() => {
  rmSync(path, { force: true })
  makeFifo(path)
  before = leftovers()
})

/** Both ends of the FIFO. */
function openFifo(): { fd: number; writer: number } {
  const both = openSync(path, 'r+')
  const fd = openSync(path, 'r')
  const writer = openSync(path, 'w')
  closeSync(both)
  return { fd, writer }
}

async function archived(fd: number): Promise<{ plainSize: number; plainSha256: string }> {
  const { plainSize, plainSha256 } = await archiveOf({ fd }, { partSizeBytes: 200_000, encrypted: false })
  return { plainSize, plainSha256 }
}

function factsOf(bytes: Uint8Array): { plainSize: number; plainSha256: string } {
  return { plainSize: bytes.length, plainSha256: sha256(bytes) }
}

describe('a pipe', () => {
  it.each([0, 3, 64 * 1024])(
    'whose writer left %d bytes and closed before is read to its end',
    async size => {
      const { fd, writer } = openFifo()
      const bytes = noise(size)
      writeSync(writer, bytes)
      closeSync(writer)
      expect(await archived(fd)).toEqual(factsOf(bytes))
      closeSync(fd)
      expect(leftovers()).toEqual(before)
    },
  )

  it('whose writer closes at any moment of the start is read to its end, each time', async () => {
    const rounds = roundsOf(8)
    for (let round = 0; round < rounds; round++) {
      const run = Math.round((50 * round) / rounds)
      const { fd, writer } = openFifo()
      const bytes = noise(run * 1000)
      writeSync(writer, bytes)
      const [facts] = await Promise.all([archived(fd), pause(run).then(() => closeSync(writer))])
      expect(facts).toEqual(factsOf(bytes))
      closeSync(fd)
    }
    expect(leftovers()).toEqual(before)
  })

  it('that another program fills with 5 MB is read whole, each time', async () => {
    for (let run = 0; run < roundsOf(4); run++) {
      const { fd, writer } = openFifo()
      const program = spawn('head', ['-c', '5000000', '/dev/zero'], { stdio: ['ignore', writer, 'inherit'] })
      const ended = once(program, 'close')
      closeSync(writer)
      expect(await archived(fd)).toEqual(factsOf(Buffer.alloc(5_000_000)))
      await ended
      closeSync(fd)
    }
    expect(leftovers()).toEqual(before)
  })

  it('whose writer pauses is read on, and ends only when it closes', async () => {
    const { fd, writer } = openFifo()
    const pieces = Array.from({ length: 6 }, (_, index) => noise(20_000, `piece ${index}`))
    const write = async (): Promise<void> => {
      for (const piece of pieces) {
        await pause(40)
        writeSync(writer, piece)
      }
      await pause(40)
      closeSync(writer)
    }
    const [facts] = await Promise.all([archived(fd), write()])
    expect(facts).toEqual(factsOf(Buffer.concat(pieces)))
    closeSync(fd)
    expect(leftovers()).toEqual(before)
  })

  it.each([
    ['that never wrote', 0],
    ['that stopped writing', 50_000],
  ])('of a living writer %s is left at once on abort', async (_, size) => {
    const { fd, writer } = openFifo()
    writeSync(writer, noise(size))
    const aborting = new AbortController()
    const parts = listOf(
      writeArchive({ fd }, { backup: sampleBackup(), encryption: 'off', signal: aborting.signal }),
    )
    const rejected = rejectionOf(parts)
    await pause(100)
    aborting.abort()
    expect(await rejected).toMatchObject({ code: 'CANCELLED' })
    closeSync(fd)
    closeSync(writer)
    expect(leftovers()).toEqual(before)
  })

  it('that never runs dry is left, and closed, by a consumer who takes one part', async () => {
    for (let run = 0; run < roundsOf(4); run++) {
      const { fd, writer } = openFifo()
      const program = spawn('cat', ['/dev/zero'], { stdio: ['ignore', writer, 'ignore'] })
      const ended = once(program, 'close')
      closeSync(writer)
      for await (const part of writeArchive(
        { fd },
        { backup: sampleBackup(), encryption: 'off', partSizeBytes: SMALL_PART_BYTES },
      )) {
        expect(part.number).toBe(1)
        break
      }
      closeSync(fd)
      // Without a reader, the writer gets SIGPIPE: a copy of the descriptor left open would keep it alive.
      expect(await ended).toEqual([null, 'SIGPIPE'])
    }
    expect(leftovers()).toEqual(before)
  })

  it('is closed but once: files that are opened meanwhile stay open', async () => {
    const rounds = roundsOf(10)
    for (let round = 0; round < rounds; round++) {
      const run = Math.round((30 * round) / rounds)
      const { fd, writer } = openFifo()
      writeSync(writer, noise(1000))
      const opened: number[] = []
      const opening = setInterval(() => {
        // On a slow machine it would come to more than a process may open.
        if (opened.length < 200) opened.push(openSync('/dev/null', 'r'))
      }, 1)
      await Promise.all([archived(fd), pause(run).then(() => closeSync(writer))])
      clearInterval(opening)
      for (const file of opened) {
        expect(() => fstatSync(file)).not.toThrow()
        closeSync(file)
      }
      closeSync(fd)
    }
    expect(leftovers()).toEqual(before)
  })
})
