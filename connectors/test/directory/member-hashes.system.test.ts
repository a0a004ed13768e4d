import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TarHashes } from '#directory/member-hashes.ts'

const folder = mkdtempSync(join(tmpdir(), 'member-hashes-'))
afterAll(() => rmSync(folder, { recursive: true }))

const FILES = { a: '', b: 'b', 'c/d': 'x'.repeat(512), 'c/e': 'y'.repeat(100_000) }
const NONE = '0'.repeat(64)
let tar: Buffer

beforeAll(() => {
  mkdirSync(join(folder, 'c'))
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text)
  linkSync(join(folder, 'b'), join(folder, 'c', 'linked'))
  symlinkSync('b', join(folder, 'c', 'symbolic'))
  writeFileSync(join(folder, 'c', 'x'.repeat(200)), 'long')
  writeFileSync(join(folder, 'sparse'), 'begin')
  truncateSync(join(folder, 'sparse'), 8 * 2 ** 20)
  tar = execFileSync('tar', ['-c', '--format=posix', '--sparse', '--sort=name', '-C', folder, '.'])
})

function hashesOf(...chunks: readonly Buffer[]): string[] {
  const hashes = new TarHashes()
  for (const chunk of chunks) hashes.push(chunk)
  return Buffer.from(hashes.finish()).toString('hex').match(/.{64}/g) ?? []
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

it('each file has the SHA-256 of its contents, wherever the tar file is cut; a sparse one has none', () => {
  const expected = [...Object.values(FILES), 'long'].map(sha256)
  expect(hashesOf(tar)).toEqual([...expected, NONE])
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 30 }), sizes => {
      const chunks: Buffer[] = []
      for (let at = 0, next = 0; at < tar.length; next++) {
        const end = at + (sizes[next % sizes.length] ?? 1)
        chunks.push(tar.subarray(at, end))
        at = end
      }
      expect(hashesOf(...chunks)).toEqual([...expected, NONE])
    }),
    { numRuns: roundsOf(20) },
  )
})

it('a tar file that is cut off has none', () => {
  expect(() => hashesOf(tar.subarray(0, tar.length / 2))).toThrow(/ends in the middle/)
})
