import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type Member,
  memberPathBytes,
  openManifest,
  type ReceivedPart,
  readIdentityFile,
  readMemberIndex,
} from '#index.ts'
import { decodePartHeader } from '#part-header.ts'
import { shownIn } from '#test/format-page.ts'
import { bytesOf, readerOf, sha256 } from '#test/sample-archives.ts'

const golden = join(import.meta.dirname, 'golden')
const SIGNER = 'SHA256:aYgIWec/IA5+HNz++mIeXCBLtsxVZe0JOi0trVE87O0='
const LATER_SIGNER = 'SHA256:lRZcrYqOLmvna7u6LBmjC2b9Cwz7s/Bpemo6nljqza4='
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

  it.each([
    ['storage', '7c0c453120666286784e53a3b9d6704157cf308c7936a233c815d11b766ec97d', 12],
    ['logs', '42d4c6603bedfbf6eb1a1f665ad50faf4a4ed7f1238d21c2bde700b48f138121', 2],
    ['database', '48ff7d46e1f64c8df8f845b08f157d7c997b433b3bd4feb89a1f8f7cfb13b499', undefined],
  ])('of a source of type %s can be read, and its members found', async (folder, plainSha256, count) => {
    const files = filesOf(folder)
    const { manifest, signer } = await openManifest(files.manifest, { identities, encrypted: true })
    expect(signer).toBe(LATER_SIGNER)
    const reader = readerOf(files.parts, {
      backupId: manifest.backup.id,
      identities,
      expectedParts: manifest.parts,
    })
    const plain = await bytesOf(reader)
    expect([sha256(plain), manifest.plainSha256, reader.summary.plainSha256]).toEqual(
      Array(3).fill(plainSha256),
    )
    const members = manifest.members && [...readMemberIndex(manifest.members)]
    expect(members?.length).toBe(count)
    for (const { offset, path } of members ?? []) {
      // A tar header begins there, of the member itself or of what extends it.
      expect(plain.toString('latin1', offset + 257, offset + 262), path).toBe('ustar')
    }
  })

  it('give one file of a folder from the parts that hold it', async () => {
    const files = filesOf('storage')
    const { manifest } = await openManifest(files.manifest, { identities, encrypted: true })
    const members = [...readMemberIndex(manifest.members ?? { count: 0, index: '' })]
    expect(members.map(({ path, kind, size }) => [path, kind, size])).toContainEqual([
      'many/numbers.txt',
      'file',
      38_893,
    ])
    expect(members.map(member => memberPathBytes(member.path).toString('latin1'))).toContain('caf\xe9-latin1')
    const { offset, size } = members.find(member => member.path === 'many/numbers.txt') as Member
    const wanted = manifest.parts.filter(
      part => part.plainOffset < offset + 512 + size && part.plainOffset + part.plainSize > offset,
    )
    expect(wanted.length).toBeLessThan(manifest.parts.length)
    const reader = readerOf(
      files.parts.filter(part => wanted.some(({ number }) => number === part.number)),
      { backupId: manifest.backup.id, identities, expectedParts: wanted, partial: true },
    )
    const bytes = await bytesOf(reader)
    const start = offset + 512 - reader.summary.plainOffset
    const numbers = Array.from({ length: 8000 }, (_, index) => `${index + 1}\n`).join('')
    expect(bytes.toString('latin1', start, start + size)).toBe(numbers)
  })

  it('have the bytes that docs/format.md shows', () => {
    const bytes = filesOf('clear').parts[0]?.bytes as Buffer
    expect(shownIn('Worked example', bytes)).toEqual(decodePartHeader(bytes).header)
  })
})
