import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SealedPack, signerFingerprint } from '#index.ts'
import { scriptIn } from '#test/format-page.ts'
import { packFileNameOf, SampleBucket, type SampleVersion } from '#test/packs/sample-bucket.ts'
import { BUCKET, SIGNING_KEY } from '#test/packs/sample-packs.ts'
import { dumpText, KEYS, noise, sha256 } from '#test/sample-archives.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bucket-by-hand-'))
  writeFileSync(join(folder, 'key.txt'), `${KEYS.identity}\n`)
})

afterEach(() => rmSync(folder, { recursive: true }))

/** The script under "A bucket by hand", run on the packs in the folder. */
function runScript(bucket = 'laptops'): { status: number | null; stdout: string; stderr: string } {
  const script = scriptIn('A bucket by hand')
  expect(script).toContain('bucket=laptops ')
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script.replace('laptops ', `${bucket} `)], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

function newBucket(
  options: {
    encrypted?: boolean
    bucket?: Partial<typeof BUCKET>
    packSizeBytes?: number
    pieceBytes?: number
  } = {},
): SampleBucket {
  const encryption = options.encrypted === false ? ('off' as const) : { recipients: [KEYS.recipient] }
  const bucket = { ...BUCKET, ...options.bucket }
  return new SampleBucket({
    bucket,
    encryption,
    signingKey: SIGNING_KEY,
    packSizeBytes: options.packSizeBytes ?? 24_000,
    pieceBytes: options.pieceBytes ?? 9000,
  })
}

function writePacks({ packs }: SampleBucket, chosen: (index: number) => boolean = () => true): void {
  for (const [index, pack] of packs.entries())
    if (chosen(index)) writeFileSync(join(folder, packFileNameOf(pack)), pack.bytes)
}

/** Content under its own hash, as restic stores it. */
function putData(bucket: SampleBucket, bytes: Buffer): Promise<SampleVersion> {
  return bucket.put(`data/${sha256(bytes)}`, bytes)
}

/** Some of everything that happens to a bucket of restic. */
async function use(bucket: SampleBucket, small = 20): Promise<void> {
  await bucket.put('config', noise(155, 'config'))
  await bucket.put(`keys/${sha256(noise(1))}`, noise(450, 'key'))
  await bucket.put(`index/${sha256(noise(2))}`, noise(0))
  const kept = await putData(bucket, dumpText(30_000))
  const dead = await putData(bucket, noise(20_000, 'dead'))
  await putData(bucket, noise(150_000, 'over several packs'))
  for (let name = 0; name < small; name++) await putData(bucket, noise(40, `small ${name}`))
  await bucket.delete(dead)
  await bucket.move(kept)
}

async function useFurther(bucket: SampleBucket): Promise<void> {
  const moved = await putData(bucket, noise(12_000, 'moved, then deleted'))
  await bucket.move(moved)
  await bucket.close()
  // The one who deletes it may not know that it was moved.
  await bucket.delete(moved)
  await bucket.put('config', noise(160, 'another config'))
  await putData(bucket, dumpText(5000))
  await bucket.close()
}

/** Path and content of all files of a folder. */
function filesOf(root: string): Map<string, string> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return new Map(
    names
      .map(({ parentPath, name }) => join(parentPath, name))
      .toSorted()
      .map(path => [path.slice(root.length + 1), sha256(readFileSync(path))]),
  )
}

function expectedFiles(bucket: SampleBucket): Map<string, string> {
  const paths = [...bucket.objects].map(([key, { bytes }]) => {
    const path = key.replace(/^data\/(..)/, 'data/$1/$1')
    return [path, sha256(bytes)] as const
  })
  return new Map(paths.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

describe('the script of docs/format.md that makes a folder of a bucket', () => {
  it.each([
    ['encrypted', true],
    ['in clear text', false],
  ])('replays all packs, %s', async (_what, encrypted) => {
    const bucket = newBucket({ encrypted })
    await use(bucket)
    await useFurther(bucket)
    expect(bucket.packs.length).toBeGreaterThan(8)
    writePacks(bucket)
    const { status, stdout, stderr } = runScript()
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe(`${bucket.objects.size} objects\n`)
    expect(filesOf(join(folder, 'restored'))).toEqual(expectedFiles(bucket))
  })

  it('restores bytes that were not compressed because they look random', async () => {
    const bucket = newBucket({ packSizeBytes: 4_000_000, pieceBytes: 1_000_000 })
    await putData(bucket, noise(2_300_000))
    await putData(bucket, dumpText(200_000))
    await bucket.close()
    writePacks(bucket)
    expect(runScript()).toEqual({ status: 0, stdout: '2 objects\n', stderr: '' })
    expect(filesOf(join(folder, 'restored'))).toEqual(expectedFiles(bucket))
  })

  it('agrees with what happened, whatever did, with and without checkpoints', async () => {
    const act = fc.record({
      what: fc.constantFrom('put', 'put', 'put', 'move', 'delete', 'close', 'checkpoint'),
      key: fc.constantFrom('a', 'b/c', 'b/d'),
      size: fc.nat(15_000),
      // Which of all versions so far.
      which: fc.nat(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 25, size: 'max' }), async acts => {
        const bucket = newBucket({ encrypted: false, bucket: { kind: 's3' } })
        const versions: SampleVersion[] = []
        for (const { what, key, size, which } of acts) {
          const version = versions[which % versions.length]
          if (what === 'put') versions.push(await bucket.put(key, noise(size, `${versions.length}`)))
          if (what === 'move' && version) versions.push(await bucket.move(version))
          if (what === 'delete' && version) await bucket.delete(version)
          if (what === 'close') await bucket.close()
          if (what === 'checkpoint') await bucket.checkpoint()
        }
        await bucket.close()
        for (const name of ['restored', 'plain']) rmSync(join(folder, name), { recursive: true, force: true })
        for (const name of readdirSync(folder)) if (name.startsWith('laptops_')) rmSync(join(folder, name))
        writePacks(bucket)
        const { status, stderr } = runScript()
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
        const expected = [...bucket.objects].map(([key, { bytes }]) => [key, sha256(bytes)] as const)
        expect(new Map(filesOf(join(folder, 'restored')))).toEqual(new Map(expected))
      }),
      { numRuns: roundsOf(20) },
    )
  })

  it('begins with the newest whole checkpoint, when dead packs before it were erased', async () => {
    const bucket = newBucket()
    await use(bucket, 300)
    await bucket.checkpoint()
    await useFurther(bucket)
    await bucket.checkpoint()
    const covered = bucket.packs.length
    await putData(bucket, noise(3000, 'after it'))
    await bucket.delete(bucket.objects.get('config') as SampleVersion)
    await bucket.close()
    const [first, last] = lastCheckpoint(bucket)
    expect(last).toBeGreaterThan(first)
    const inUse = bucket.packsInUse()
    const stays = (index: number): boolean => inUse.has(bucket.packs[index]?.header.pack ?? '')
    writePacks(bucket, index => stays(index) || index >= first)
    expect(readdirSync(folder).length).toBeLessThan(covered)
    const { status, stderr } = runScript()
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(filesOf(join(folder, 'restored'))).toEqual(expectedFiles(bucket))
  })

  it('passes over a checkpoint that is not whole, and takes a pack once that is there twice', async () => {
    const bucket = newBucket()
    await use(bucket, 300)
    await bucket.checkpoint()
    await useFurther(bucket)
    await bucket.checkpoint()
    const [, last] = lastCheckpoint(bucket)
    writePacks(bucket, index => index !== last)
    const [pack] = bucket.packs
    writeFileSync(join(folder, 'laptops_pack_copy.zst.age'), pack?.bytes ?? '')
    const { status, stderr } = runScript()
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(filesOf(join(folder, 'restored'))).toEqual(expectedFiles(bucket))
  })

  it('leaves the envelopes, whose signers the first loop under "Evidence" prints', async () => {
    const bucket = newBucket()
    await use(bucket)
    await bucket.checkpoint()
    writePacks(bucket)
    expect(runScript().status).toBe(0)
    const [loop = ''] = scriptIn('Evidence', '##').split('# 2.')
    const run = (): string => spawnSync('bash', ['-c', loop], { cwd: folder, encoding: 'utf8' }).stdout
    spawnSync('bash', ['-c', 'jq -s . envelopes > evidence.json'], { cwd: folder })
    expect(run()).toBe(`${signerFingerprint(SIGNING_KEY)}\n`)
    const envelopes = readFileSync(join(folder, 'evidence.json'), 'utf8')
    writeFileSync(join(folder, 'evidence.json'), envelopes.replace('laptops', 'laptopz'))
    expect(run()).not.toContain('SHA256:')
  })

  it('fails where a pack that is needed is missing, or a byte is wrong', async () => {
    const bucket = newBucket({ encrypted: false })
    await use(bucket)
    await bucket.close()
    const needed = bucket.packs.findIndex(({ header }) => bucket.packsInUse().has(header.pack))
    writePacks(bucket, index => index !== needed)
    expect(runScript().stderr).toContain(`packs are missing: ["${bucket.packs[needed]?.header.pack}"]`)
    const spoilt = bucket.packs[needed] as SealedPack
    const bytes = Buffer.from(spoilt.bytes)
    bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] ?? 0) ^ 1
    writeFileSync(join(folder, packFileNameOf(spoilt)), bytes)
    expect(runScript().status).not.toBe(0)
  })

  it.each(['encrypted', 'clear'])('restores the golden packs, %s', kind => {
    const golden = join(import.meta.dirname, '..', 'golden')
    cpSync(join(golden, 'packs', kind), folder, { recursive: true })
    cpSync(join(golden, 'identity-for-tests-only.txt'), join(folder, 'key.txt'))
    expect(runScript()).toEqual({ status: 0, stdout: '5 objects\n', stderr: '' })
    const files = [...filesOf(join(folder, 'restored'))]
    expect(files.map(([path]) => path.replace(/[0-9a-f]{62}$/, ''))).toEqual([
      'config',
      'data/23/23',
      'data/f1/f1',
      'data/f9/f9',
      'keys/91',
    ])
    // restic names files by their content.
    for (const [path, hash] of files.slice(1)) expect(path.endsWith(`/${hash}`)).toBe(true)
  })

  it('keeps S3 objects under their keys, and refuses keys that lead elsewhere, and packs of two buckets', async () => {
    const bucket = newBucket({ bucket: { kind: 's3', name: 'photos' } })
    await bucket.put('data/2026/a photo.jpg', noise(5000))
    await bucket.put('ü', noise(3))
    await bucket.close()
    writePacks(bucket)
    expect(runScript('photos')).toMatchObject({ status: 0, stdout: '2 objects\n' })
    const paths = [...bucket.objects].map(([key, { bytes }]) => [key, sha256(bytes)] as const)
    expect(filesOf(join(folder, 'restored'))).toEqual(new Map(paths))
    const hostile = newBucket({ bucket: { kind: 's3', name: 'photos' } })
    await hostile.put('a/../../b', noise(5))
    await hostile.close()
    writePacks(hostile)
    expect(runScript('photos')).toMatchObject({ stderr: expect.stringContaining('an unsafe key: a/../../b') })
    const other = newBucket({ bucket: { id: randomUUID(), name: 'photos' } })
    await other.close()
    writePacks(other)
    expect(runScript('photos')).toMatchObject({ stderr: expect.stringContaining('packs of several buckets') })
  })
})

/** The places of the first and the last part of the newest checkpoint. */
function lastCheckpoint({ packs }: SampleBucket): [first: number, last: number] {
  const last = packs.findLastIndex(({ header }) => header.kind === 'checkpoint')
  const { id } = packs[last]?.header.checkpoint ?? {}
  return [packs.findIndex(({ header }) => header.checkpoint?.id === id), last]
}
