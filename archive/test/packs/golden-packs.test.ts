import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type CheckpointedObject,
  type CheckpointedPack,
  type OpenedPack,
  openPack,
  readCheckpoint,
  readIdentityFile,
} from '#index.ts'
import { shownIn } from '#test/format-page.ts'
import { bytesOf, listOf, noise, sha256 } from '#test/sample-archives.ts'

const golden = join(import.meta.dirname, '..', 'golden')
const identities = await readIdentityFile(join(golden, 'identity-for-tests-only.txt'))
const SIGNER = 'SHA256:q4UeTYR5Ho0nIuDyLa1cIDdSX+AoP/jMm0oMtrOSRwg='
const BUCKET = {
  id: '3fa3cd5e-8d1b-4c39-9a56-4f3b2d1c0e9f',
  name: 'laptops',
  kind: 'restic',
  project: 'office',
}

const NUMBERS = Buffer.from(Array.from({ length: 5000 }, (_, index) => `${index + 1}\n`).join(''))
const named = (bytes: Buffer): string => `data/${sha256(bytes)}`
const LARGE = noise(25_000, 'over several packs')
const AFTER = noise(2000, 'after the checkpoint')
const KEY = noise(450, 'key')
const EMPTY = `index/${sha256(Buffer.alloc(0))}`
/** What the checkpoint lists, in order. */
const LISTED: [key: string, bytes: Buffer][] = [
  ['config', noise(155, 'config')],
  [`keys/${sha256(KEY)}`, KEY],
  [EMPTY, Buffer.alloc(0)],
  [named(NUMBERS), NUMBERS],
  [named(noise(3000, 'dead')), noise(3000, 'dead')],
  [named(LARGE), LARGE],
]

/** The files of the packs by their order in the bucket. */
function filesOf(folder: string): Buffer[] {
  return readdirSync(join(golden, 'packs', folder))
    .toSorted((a, b) => timeIn(a).localeCompare(timeIn(b)))
    .map(name => readFileSync(join(golden, 'packs', folder, name)))
}

const timeIn = (name: string): string => name.split('_')[2] ?? ''

describe('the golden packs', () => {
  it.each([
    { folder: 'encrypted', encrypted: true, identities },
    { folder: 'clear', encrypted: false, identities: [] },
  ])('$folder can be read', async ({ folder, ...unlocking }) => {
    const packs: OpenedPack[] = []
    for (const bytes of filesOf(folder)) packs.push(await openPack(bytes, unlocking))
    for (const [index, { header, signer }] of packs.entries()) {
      expect(signer).toBe(SIGNER)
      expect(header).toMatchObject({ bucket: BUCKET, sequence: index + 1 })
    }
    const said = packs.map(({ header }) => header.records.flatMap(record => Object.keys(record)))
    expect(said.map(names => names.filter(name => /put|delete|fragment|moves/.test(name)))).toEqual([
      ['put', 'put', 'put', 'put', 'put'],
      ['fragment'],
      ['fragment'],
      ['put', 'delete'],
      [],
      [],
      ['put', 'moves', 'put', 'delete'],
    ])
    const objects = await assertCheckpoint(packs)
    const [moved, after, deleted] = packs[6]?.header.records ?? []
    expect(moved).toMatchObject({ put: named(NUMBERS), moves: objects[3]?.id })
    expect(after).toMatchObject({ put: named(AFTER), size: AFTER.length })
    expect(deleted).toMatchObject({ delete: EMPTY, id: objects[2]?.id })
    const bytes = await bytesOf((packs[6] as OpenedPack).read())
    expect(bytes.equals(Buffer.concat([NUMBERS, AFTER]))).toBe(true)
  })

  it('have the bytes that docs/format.md shows', async () => {
    const bytes = filesOf('clear').at(-1) as Buffer
    const { header } = await openPack(bytes, { encrypted: false, identities: [] })
    expect(shownIn('The header of a pack', bytes)).toEqual(header)
  })
})

/** The checkpoint leads to all packs before it, and to the bytes of all objects. */
async function assertCheckpoint(packs: readonly OpenedPack[]): Promise<CheckpointedObject[]> {
  const parts = (async function* () {
    yield packs[5] as OpenedPack
  })()
  const lines = await listOf(readCheckpoint(parts))
  const listed = lines.flatMap((line): CheckpointedPack[] => ('pack' in line ? [line.pack] : []))
  const objects = lines.flatMap(line => ('object' in line ? [line.object] : []))
  expect(listed.map(({ id }) => id)).toEqual(packs.slice(0, 5).map(({ header }) => header.pack))
  expect(objects.map(({ key }) => key)).toEqual(LISTED.map(([key]) => key))
  expect(objects.filter(({ deletedAt }) => deletedAt !== undefined).map(({ size }) => size)).toEqual([3000])
  for (const [index, { extents, sha256: hash }] of objects.entries()) {
    const pieces: Buffer[] = []
    for (const { pack, ...extent } of extents) {
      const opened = packs.find(({ header }) => header.pack === pack)
      pieces.push(await bytesOf((opened as OpenedPack).read(extent)))
    }
    expect(sha256(Buffer.concat(pieces))).toBe(hash)
    expect(hash).toBe(sha256(LISTED[index]?.[1] as Buffer))
  }
  return objects
}
