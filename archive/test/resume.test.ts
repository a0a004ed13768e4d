import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ArchiveSource,
  type BackupIdentity,
  type Resumption,
  type SealedPart,
  writeArchive,
} from '#index.ts'
import { archiveOf, KEYS, listOf, readerOf, SMALL_PART_BYTES, sampleBackup } from '#test/sample-archives.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'resume-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A file that is read from its beginning, closed after `work`. */
async function withFile<Result>(
  bytes: Buffer,
  work: (source: { fd: number }) => Promise<Result>,
): Promise<Result> {
  const path = join(folder, 'source')
  writeFileSync(path, bytes)
  const fd = openSync(path, 'r')
  try {
    return await work({ fd })
  } finally {
    closeSync(fd)
  }
}

function resumption(parts: readonly SealedPart[]): Resumption {
  return {
    parts: parts.map(({ bytes, sha256, plainSize, plainSha256 }) => ({
      size: bytes.length,
      sha256,
      plainSize,
      plainSha256,
    })),
    bytes: (async function* () {
      for (const part of parts) yield part.bytes
    })(),
  }
}

async function resumed(source: ArchiveSource, backup: BackupIdentity, resume: Resumption) {
  const writer = writeArchive(source, {
    backup,
    encryption: { recipients: [KEYS.recipient] },
    partSizeBytes: SMALL_PART_BYTES,
    resume,
  })
  const parts = await listOf(writer)
  return { parts, summary: writer.summary }
}

describe('a resumed archive', () => {
  test('is, with the parts that were finished, one archive of the whole file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 20_000, max: 120_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (size, at) =>
          withFile(randomBytes(size), async source => {
            const backup = sampleBackup()
            const before = await archiveOf(source, { backup })
            const finished = before.parts.slice(0, Math.floor(at * (before.parts.length - 1)))
            const again = openSync(join(folder, 'source'), 'r')
            const { parts, summary } = await resumed({ fd: again }, backup, resumption(finished)).finally(
              () => closeSync(again),
            )
            const whole = [...finished, ...parts]
            expect(whole.map(part => part.number)).toEqual(whole.map((_, index) => index + 1))
            expect(summary).toMatchObject({
              parts: whole.length,
              plainSize: size,
              plainSha256: before.plainSha256,
              archiveSize: whole.reduce((sum, part) => sum + part.bytes.length, 0),
            })
            const archive = createHash('sha256')
            for (const part of whole) archive.update(part.bytes)
            expect(summary.archiveSha256).toBe(archive.digest('hex'))
            const reader = readerOf(whole, { backupId: backup.id })
            const plain = Buffer.concat(await listOf(reader))
            expect(plain.equals(readFileSync(join(folder, 'source')))).toBe(true)
          }),
      ),
      { numRuns: roundsOf(5) },
    )
  })

  test.each([
    ['within a finished part', 100],
    ['at the end of the last finished part', -1],
  ])('is refused when the file changed %s', async (_where, offset) => {
    const bytes = randomBytes(60_000)
    const backup = sampleBackup()
    const { parts } = await withFile(bytes, source => archiveOf(source, { backup }))
    const finished = parts.slice(0, 2)
    const end = finished.reduce((sum, part) => sum + part.plainSize, 0)
    const changed = Buffer.from(bytes)
    const at = offset < 0 ? end + offset : offset
    changed[at] = (changed[at] ?? 0) ^ 1
    const outcome = withFile(changed, source => resumed(source, backup, resumption(finished)))
    await expect(outcome).rejects.toMatchObject({ code: 'SOURCE' })
  })

  test('is refused when the file is now shorter than what was finished', async () => {
    const bytes = randomBytes(60_000)
    const backup = sampleBackup()
    const { parts } = await withFile(bytes, source => archiveOf(source, { backup }))
    const outcome = withFile(bytes.subarray(0, 5000), source =>
      resumed(source, backup, resumption(parts.slice(0, 2))),
    )
    await expect(outcome).rejects.toMatchObject({ code: 'SOURCE', partNumber: 1 })
  })

  test('is refused when a finished part is not what was sent, is missing, or one too many', async () => {
    const bytes = randomBytes(60_000)
    const backup = sampleBackup()
    const { parts } = await withFile(bytes, source => archiveOf(source, { backup }))
    const [one, two] = parts as [SealedPart, SealedPart]
    const good = resumption([one, two])
    for (const given of [[one, one], [one], [one, two, two]]) {
      const resume = { ...good, bytes: resumption(given).bytes }
      const outcome = withFile(bytes, source => resumed(source, backup, resume))
      await expect(outcome).rejects.toMatchObject({ code: 'INTEGRITY' })
    }
  })

  test('is refused for anything but a file', async () => {
    const { parts } = await archiveOf(randomBytes(60_000))
    const resume = resumption(parts.slice(0, 1))
    await expect(resumed(randomBytes(10), sampleBackup(), resume)).rejects.toMatchObject({
      code: 'CONFIGURATION',
    })
  })
})
