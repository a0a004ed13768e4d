import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type ArchiveError,
  MIN_PART_SIZE_BYTES,
  type ReadArchiveIntoOptions,
  type ReceivedPart,
  type RestoredSummary,
  readArchiveInto,
} from '#index.ts'
import {
  archiveOf,
  bytesOf,
  dumpText,
  flipBit,
  KEYS,
  leftovers,
  makeFifo,
  noise,
  readerOf,
  received,
  rejectionOf,
  sha256,
} from '#test/sample-archives.ts'

const folder = mkdtempSync(join(tmpdir(), 'archive-into-'))
afterAll(() => rmSync(folder, { recursive: true }))

const bytes = Buffer.concat([dumpText(60_000), noise(40_000), Buffer.alloc(3_000_000)])
const archive = await archiveOf(bytes)
const OPTIONS = { backupId: archive.backup.id, identities: [KEYS.identity], encrypted: true }
const expectedParts = archive.parts.map(({ number, bytes, sha256 }) => ({
  number,
  size: bytes.length,
  sha256,
}))

/** Reads into a new file; what is in it afterwards, and the summary or the error. */
async function into(
  parts: readonly ReceivedPart[],
  options: ReadArchiveIntoOptions,
): Promise<{ written: Buffer; outcome: RestoredSummary | ArchiveError }> {
  const path = join(folder, 'restored')
  const fd = openSync(path, 'w')
  const outcome = await readArchiveInto(fd, received(parts), options).catch((error: ArchiveError) => error)
  closeSync(fd)
  return { written: readFileSync(path), outcome }
}

describe('reading an archive into a file', () => {
  it('writes what readArchive gives, and says the same about it, for any content and with or without a manifest', async () => {
    const before = leftovers()
    const content = fc.tuple(fc.nat(100_000), fc.nat(100_000)).map(([a, b]) => [noise(a), Buffer.alloc(b, 7)])
    const options = fc.record({
      partSizeBytes: fc.integer({ min: MIN_PART_SIZE_BYTES, max: 90_000 }),
      encrypted: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(content, options, fc.boolean(), async (pieces, how, knowsManifest) => {
        const { backup, parts } = await archiveOf(Buffer.concat(pieces), how)
        const manifest = parts.map(({ number, bytes, sha256 }) => ({ number, size: bytes.length, sha256 }))
        const options = {
          backupId: backup.id,
          identities: how.encrypted ? [KEYS.identity] : [],
          encrypted: how.encrypted,
          ...(knowsManifest && { expectedParts: manifest }),
        }
        const reader = readerOf(parts, options)
        const plain = await bytesOf(reader)
        const { written, outcome } = await into(parts, options)
        expect(sha256(written)).toBe(sha256(plain))
        expect(outcome).toEqual(reader.summary)
      }),
      { numRuns: roundsOf(4) },
    )
    expect(leftovers()).toEqual(before)
  })

  it('refuses what readArchive refuses, for the same part and reason, wherever the damage is', async () => {
    const before = leftovers()
    const { parts } = archive
    const damages = fc.record({
      number: fc.nat(parts.length - 1),
      place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      kind: fc.constantFrom('flip', 'cut', 'missing', 'exchanged'),
      knowsManifest: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(damages, async ({ number, place, kind, knowsManifest }) => {
        const part = parts[number] as ReceivedPart
        const other = parts[(number + 1) % parts.length] as ReceivedPart
        const damaged: ReceivedPart[] = {
          flip: () =>
            parts.with(number, {
              ...parts[number],
              bytes: flipBit(part.bytes, Math.floor(place * part.bytes.length * 8)),
            } as never),
          cut: () => [
            ...parts.slice(0, number),
            { number: number + 1, bytes: part.bytes.subarray(0, Math.floor(place * part.bytes.length)) },
            ...parts.slice(number + 1),
          ],
          missing: () => parts.toSpliced(number, 1),
          exchanged: () => [
            ...parts.slice(0, number),
            { number: number + 1, bytes: other.bytes },
            ...parts.slice(number + 1),
          ],
        }[kind]()
        const given = damaged.map(({ number, bytes }) => ({ number, bytes }))
        const options = { ...OPTIONS, ...(knowsManifest && { expectedParts }) }
        const theirs = await rejectionOf(bytesOf(readerOf(given, options)))
        const { outcome } = await into(given, options)
        expect(outcome).toMatchObject({ code: theirs.code, partNumber: theirs.partNumber })
        expect(theirs.code).toMatch(/^(INTEGRITY|WRONG_KEY)$/)
      }),
      { numRuns: roundsOf(8) },
    )
    expect(leftovers()).toEqual(before)
  })

  it('believes the SHA-256 that came with a part, and refuses one that is not the manifest’s', async () => {
    const hashed = archive.parts.map(({ number, bytes, sha256 }) => ({ number, bytes, sha256 }))
    expect((await into(hashed, { ...OPTIONS, expectedParts })).written.equals(bytes)).toBe(true)
    const wrong = hashed.with(1, { ...(hashed[1] as (typeof hashed)[0]), sha256: sha256(bytes) })
    expect((await into(wrong, { ...OPTIONS, expectedParts })).outcome).toMatchObject({
      code: 'INTEGRITY',
      partNumber: 2,
    })
  })

  it('refuses parts of two archives of the same backup, which only the hash of the whole tells', async () => {
    // One byte in the middle of an earlier part.
    const other = await archiveOf(flipBit(bytes, 8 * 80_000), { backup: archive.backup })
    const mixed = [...archive.parts.slice(0, -1), other.parts.at(-1) as ReceivedPart]
    expect(other.parts.length).toBe(archive.parts.length)
    const manifest = expectedParts.with(-1, {
      number: mixed.length,
      size: other.parts.at(-1)?.bytes.length ?? 0,
      sha256: other.parts.at(-1)?.sha256 ?? '',
    })
    for (const options of [OPTIONS, { ...OPTIONS, expectedParts: manifest }]) {
      const { outcome } = await into(mixed, options)
      expect(outcome).toMatchObject({ code: 'INTEGRITY', partNumber: mixed.length })
    }
  })

  it('begins at the current position, tells how much is written, and leaves the file open', async () => {
    const path = join(folder, 'appended')
    const fd = openSync(path, 'w')
    writeSync(fd, 'before ')
    const told: number[] = []
    await readArchiveInto(fd, received(archive.parts), {
      ...OPTIONS,
      onProgress: plainBytes => told.push(plainBytes),
    })
    writeSync(fd, ' after')
    closeSync(fd)
    expect(
      readFileSync(path).equals(Buffer.concat([Buffer.from('before '), bytes, Buffer.from(' after')])),
    ).toBe(true)
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    expect(told.at(-1)).toBe(bytes.length)
  })

  it('ends, leaving nothing behind, when the listener to the progress throws', async () => {
    const before = leftovers()
    const cause = new Error('no terminal')
    const { outcome } = await into(archive.parts, {
      ...OPTIONS,
      onProgress: () => {
        throw cause
      },
    })
    expect(outcome).toMatchObject({ code: 'CANCELLED', cause })
    expect(leftovers()).toEqual(before)
  })
})

describe('a target that takes no more', () => {
  it('is told as such when the disk is full', async () => {
    const before = leftovers()
    const fd = openSync('/dev/full', 'w')
    const error = await rejectionOf(readArchiveInto(fd, received(archive.parts), OPTIONS))
    closeSync(fd)
    expect(error).toMatchObject({ code: 'TARGET', message: expect.stringContaining('ENOSPC') })
    expect(error.hint).toContain('disk is full')
    expect(leftovers()).toEqual(before)
  })

  it('is told as such when it was opened for reading only', async () => {
    const fd = openSync('/dev/null', 'r')
    const error = await rejectionOf(readArchiveInto(fd, received(archive.parts), OPTIONS))
    closeSync(fd)
    expect(error).toMatchObject({ code: 'TARGET', message: expect.stringContaining('EBADF') })
  })

  it('is told as such when it is a socket, which the thread could not leave', async () => {
    const server = createServer()
    await once(server.listen(join(folder, 'socket')), 'listening')
    const fd = (server as unknown as { _handle: { fd: number } })._handle.fd
    const error = await rejectionOf(readArchiveInto(fd, received(archive.parts), OPTIONS))
    await new Promise(resolve => server.close(resolve))
    expect(error).toMatchObject({ code: 'TARGET', hint: expect.stringContaining('process.stdout') })
  })
})

describe('a pipe as the target', () => {
  const path = join(folder, 'fifo')
  makeFifo(path)

  it('gets all bytes, however slowly it is read', async () => {
    const before = leftovers()
    const fd = openSync(path, 'r+')
    const reader = spawn('bash', ['-c', `sleep 0.2; head -c ${bytes.length} | sha256sum`], {
      stdio: [fd, 'pipe', 'inherit'],
    })
    const output = bytesOf(reader.stdout as Readable)
    await readArchiveInto(fd, received(archive.parts), OPTIONS)
    expect((await output).toString()).toContain(sha256(bytes))
    closeSync(fd)
    expect(leftovers()).toEqual(before)
  })

  it('that nobody reads any more is told as EPIPE', async () => {
    const before = leftovers()
    const both = openSync(path, 'r+')
    const fd = openSync(path, 'w')
    const reader = spawn('head', ['-c', '1000'], { stdio: [both, 'ignore', 'inherit'] })
    closeSync(both)
    const error = await rejectionOf(readArchiveInto(fd, received(archive.parts), OPTIONS))
    if (reader.exitCode === null) await once(reader, 'close')
    closeSync(fd)
    expect(error).toMatchObject({ code: 'TARGET', message: expect.stringContaining('EPIPE') })
    expect(leftovers()).toEqual(before)
  })

  it('that nobody reads is left at once on abort', async () => {
    const before = leftovers()
    const fd = openSync(path, 'r+')
    const aborting = new AbortController()
    const reading = rejectionOf(
      readArchiveInto(fd, received(archive.parts), { ...OPTIONS, signal: aborting.signal }),
    )
    setTimeout(() => aborting.abort(), 200)
    expect(await reading).toMatchObject({ code: 'CANCELLED' })
    closeSync(fd)
    expect(leftovers()).toEqual(before)
  })
})
