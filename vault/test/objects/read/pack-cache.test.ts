import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CachedPack, PackCache } from '#objects/read/pack-cache.ts'

let folder: string
let lines: string[]
const memory = (): Buffer => Buffer.alloc(2_000)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packs-'))
  lines = []
})
afterEach(() => rm(folder, { recursive: true }))

const open = (maxBytes: number, at = join(folder, 'cache')): PackCache =>
  new PackCache({ folder: at, maxBytes, log: line => lines.push(line) })

function pack(size: number): { pack: CachedPack; bytes: Buffer } {
  const bytes = randomBytes(size)
  return { pack: { id: randomUUID(), sha256: createHash('sha256').update(bytes).digest('hex'), size }, bytes }
}

const path = ({ id, sha256 }: CachedPack): string => join(folder, 'cache', `${id}.${sha256}`)

describe('the cache of packs', () => {
  it('gives back what was written, to another process too, readable by its user alone', async () => {
    const { pack: one, bytes } = pack(1000)
    await open(1e6).write(one, bytes)
    expect(await open(1e6).read(one, memory())).toEqual(bytes)
    expect((await stat(path(one))).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'cache'))).mode & 0o777).toBe(0o700)
    expect(await open(1e6).read(pack(10).pack, memory())).toBeUndefined()
    expect(lines).toEqual([])
  })

  it('drops a file with other bytes, and one that was cut', async () => {
    const cache = open(1e6)
    const [changed, cut] = [pack(1000), pack(1000)]
    for (const { pack, bytes } of [changed, cut]) await cache.write(pack, bytes)
    await writeFile(path(changed.pack), randomBytes(1000))
    await writeFile(path(cut.pack), cut.bytes.subarray(0, 999))
    expect(await cache.read(changed.pack, memory())).toBeUndefined()
    expect(await cache.read(cut.pack, memory())).toBeUndefined()
    expect(await readdir(join(folder, 'cache'))).toEqual([])
  })

  it('follows no link that somebody put in the place of a file', async () => {
    const { pack: one, bytes } = pack(1000)
    const elsewhere = join(folder, 'elsewhere')
    await mkdir(join(folder, 'cache'))
    await writeFile(elsewhere, bytes)
    await symlink(elsewhere, path(one))
    expect(await open(1e6).read(one, memory())).toBeUndefined()
    await open(1e6).write(one, bytes)
    expect(await open(1e6).read(one, memory())).toEqual(bytes)
    expect((await readdir(folder)).sort()).toEqual(['cache', 'elsewhere'])
  })

  it('stays within its limit, and deletes what was not used for longest', async () => {
    const cache = open(10_000)
    const packs = Array.from({ length: 9 }, () => pack(1000))
    const now = Date.now() / 1000
    for (const [no, { pack, bytes }] of packs.entries()) {
      await cache.write(pack, bytes)
      await utimes(path(pack), now - 1000 + no, now - 1000 + no)
    }
    const [oldest, second] = packs
    if (!oldest || !second) throw new Error('no packs')
    expect(await cache.read(oldest.pack, memory())).toEqual(oldest.bytes)
    for (let no = 0; no < 2; no++) {
      const more = pack(1000)
      await cache.write(more.pack, more.bytes)
    }
    expect(await readdir(join(folder, 'cache'))).toHaveLength(9)
    expect(await cache.read(second.pack, memory())).toBeUndefined()
    expect(await cache.read(oldest.pack, memory())).toEqual(oldest.bytes)
  })

  it('deletes what a process that died was writing, not what another one is writing', async () => {
    const cache = open(10_000)
    const { pack: one, bytes } = pack(1000)
    await cache.write(one, bytes)
    const [dead, alive] = ['dead.unfinished', 'alive.unfinished']
    for (const name of [dead, alive]) await writeFile(join(folder, 'cache', name), '')
    await utimes(join(folder, 'cache', dead), 1, 1)
    await open(10_000).write(one, bytes)
    const names = await readdir(join(folder, 'cache'))
    expect(names).toContain(alive)
    expect(names).not.toContain(dead)
  })

  it('keeps nothing with a limit of 0, and no pack that is larger than the cache', async () => {
    const { pack: one, bytes } = pack(1000)
    for (const limit of [0, 500]) {
      await open(limit).write(one, bytes)
      expect(await open(limit).read(one, memory())).toBeUndefined()
    }
    expect(await readdir(folder)).toEqual([])
  })

  it('reports a disk that refuses, and fails nobody', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    const cache = open(1e6, file)
    const { pack: one, bytes } = pack(10)
    await cache.write(one, bytes)
    expect(await cache.read(one, memory())).toBeUndefined()
    expect(lines.join()).toContain('cache of packs')
  })
})
