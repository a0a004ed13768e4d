import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openManifest, type ReceivedPart, readIdentityFile } from '#index.ts'
import { decodePartHeader } from '#part-header.ts'
import { bytesOf, readerOf } from '#test/sample-archives.ts'

const golden = join(import.meta.dirname, 'golden')
const SIGNER = 'SHA256:aYgIWec/IA5+HNz++mIeXCBLtsxVZe0JOi0trVE87O0='
const PLAIN = Array.from({ length: 60_000 }, (_, index) => `${index + 1}\n`).join('')
const identities = await readIdentityFile(join(golden, 'identity-for-tests-only.txt'))

function filesOf(folder: string): { parts: ReceivedPart[]; manifest: Buffer } {
  const names = readdirSync(join(golden, folder)).toSorted()
  const read = (name: string): Buffer => readFileSync(join(golden, folder, name))
  const manifest = names.find(name => name.includes('_manifest'))
  const parts = names.filter(name => name !== manifest)
  return {
    parts: parts.map((name, index) => ({ number: index + 1, bytes: read(name) })),
    manifest: read(manifest ?? ''),
  }
}

describe('the golden archives of format 1', () => {
  it.each([
    { folder: 'encrypted', encrypted: true, identities },
    { folder: 'clear', encrypted: false, identities: [] },
  ])('$folder can be read', async ({ folder, ...unlocking }) => {
    const files = filesOf(folder)
    const { manifest, signer } = await openManifest(files.manifest, unlocking)
    expect(signer).toBe(SIGNER)
    expect(manifest).toMatchObject({ plainSize: PLAIN.length, encrypted: unlocking.encrypted, generation: 1 })
    expect(manifest.parts).toHaveLength(3)
    const reader = readerOf(files.parts, {
      backupId: manifest.backup.id,
      expectedParts: manifest.parts,
      ...unlocking,
    })
    expect((await bytesOf(reader)).toString()).toBe(PLAIN)
    expect(reader.summary.plainSha256).toBe(manifest.plainSha256)
  })

  it('have the bytes that docs/format.md shows', () => {
    const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'format.md'), 'utf8')
    const bytes = filesOf('clear').parts[0]?.bytes as Buffer
    const shown = [...text.matchAll(/^([0-9a-f]{8}) {2}((?:[0-9a-f]{2} ?)+)/gm)]
    expect(shown.length).toBeGreaterThan(8)
    for (const [, offset = '', hex = ''] of shown) {
      const expected = Buffer.from(hex.replaceAll(' ', ''), 'hex')
      const start = Number.parseInt(offset, 16)
      expect(bytes.subarray(start, start + expected.length).toString('hex'), offset).toBe(
        expected.toString('hex'),
      )
    }
    const json = /^```json\n([^`]+)```/m.exec(text)?.[1] ?? ''
    expect(JSON.parse(json)).toEqual(decodePartHeader(bytes).header)
  })
})
