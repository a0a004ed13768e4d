import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  copyBytes,
  generateIdentity,
  loadOrCreateSigningKey,
  PackBuilder,
  PackThread,
} from '@telegram-backup/archive'
import type { Pack } from '@telegram-backup/database'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { OpenedPacks, type OpenedPacksOptions } from '#objects/read/opened-packs.ts'
import { NEVER } from '#test/objects/bodies.ts'

const PACKS = 5
/** Fewer than there are packs. */
const AT_ONCE = 2

interface Sample {
  pack: Pack
  sent: Buffer
  plain: Buffer
}

let samples: Sample[]
let identity: string
const work = new PackThread()
beforeAll(async () => {
  const keys = await generateIdentity()
  identity = keys.identity
  const folder = await mkdtemp(join(tmpdir(), 'opened-packs-'))
  const signingKey = await loadOrCreateSigningKey(join(folder, 'signing-key.pem'))
  await rm(folder, { recursive: true })
  samples = []
  for (let no = 0; no < PACKS; no++) {
    // Some without encryption: their frames are read from the memory as they came.
    const encryption = no % 2 === 0 ? { recipients: [keys.recipient] } : 'off'
    const bucket = { id: randomUUID(), name: 'photos', kind: 'restic' as const, project: 'shop' }
    const builder = new PackBuilder({ bucket, encryption, signingKey, work })
    const plain = randomBytes(300_000 + no * 10_000)
    for (let at = 0; at < plain.length; at += 20_000) builder.add(plain.subarray(at, at + 20_000))
    const identityOfPack = { pack: randomUUID(), catalogId: randomUUID(), sequence: no + 1, names: [] }
    const sealed = await builder.seal({ ...identityOfPack, createdAt: '2026-12-01T05:33:00.000Z' })
    const sent = Buffer.from(sealed.bytes)
    builder.release()
    samples.push({ pack: packOf(sealed.header.pack, bucket.id, sealed), sent, plain })
  }
})
afterAll(() => work.close())

function packOf(id: string, bucketId: string, of: { bytes: Buffer; encrypted: boolean }): Pack {
  // What the reader looks at; the rest of a row says where its messages are.
  return { id, bucket_id: bucketId, size: of.bytes.length, encrypted: of.encrypted } as Pack
}

function sampleOf({ id }: Pack): Sample {
  const sample = samples.find(({ pack }) => pack.id === id)
  if (sample === undefined) throw new Error('an unknown pack')
  return sample
}

/** Keeps what a slow disk was given, which must not change while it is written. */
class SlowDisk {
  changed = 0
  #writing = 0

  get isIdle(): boolean {
    return this.#writing === 0
  }

  async write(bytes: Buffer, ms: number): Promise<void> {
    this.#writing++
    const before = hashOf(bytes)
    await sleep(ms)
    if (hashOf(bytes) !== before) this.changed++
    this.#writing--
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Packs from a chat and a disk that take their time; `fails` says which fetches and keys fail. */
function openedPacks(
  disk: SlowDisk,
  fails: { fetch?: () => boolean; identities?: () => boolean } = {},
): OpenedPacks {
  const options: OpenedPacksOptions = {
    atOnce: AT_ONCE,
    fetch: async (pack, { memory }) => {
      await sleep(pack.size % 3)
      const { sent } = sampleOf(pack)
      // What was in the memory before is lost even when the download fails.
      copyBytes(memory, sent.subarray(0, sent.length / 2))
      if (fails.fetch?.()) throw new Error('the chat is away')
      copyBytes(memory, sent)
      const bytes = memory.subarray(0, sent.length)
      return { bytes, kept: disk.write(bytes, 5) }
    },
    identities: async () => {
      if (fails.identities?.()) throw new Error('the key is away')
      return [identity]
    },
    work,
  }
  return new OpenedPacks(options)
}

interface Reader {
  sample: number
  from: number
  length: number
  /** Breaks off after so many pieces. */
  pieces: number
  beginsAfterMs: number
  /** Between two pieces. */
  pauseMs: number
  /** Leaves, wherever it is. */
  leavesAfterMs: number | undefined
}

const READER: fc.Arbitrary<Reader> = fc.record({
  sample: fc.nat(PACKS - 1),
  from: fc.nat(299_999),
  length: fc.nat(300_000),
  pieces: fc.nat(40),
  beginsAfterMs: fc.nat(30),
  pauseMs: fc.nat(2),
  leavesAfterMs: fc.option(fc.nat(40), { nil: undefined }),
})

/** Compares each byte that comes. Returns whether all came that were asked for. */
async function read(packs: OpenedPacks, of: Reader): Promise<boolean> {
  const { pack, plain } = samples[of.sample] as Sample
  await sleep(of.beginsAfterMs)
  const left = new AbortController()
  const { leavesAfterMs } = of
  if (leavesAfterMs !== undefined) setTimeout(() => left.abort(), leavesAfterMs)
  let at = of.from
  const end = Math.min(plain.length, of.from + of.length)
  const pieces: { piece: Buffer; at: number }[] = []
  for await (const piece of packs.reading(pack, { offset: at, length: end - at }, left.signal)) {
    pieces.push({ piece, at })
    at += piece.length
    if (left.signal.aborted || pieces.length > of.pieces) break
    await sleep(of.pauseMs)
  }
  // Also those that came long ago: their memory is nobody else's.
  for (const { piece, at } of pieces) {
    if (!piece.equals(plain.subarray(at, at + piece.length))) throw new Error(`other bytes at ${at}`)
  }
  return at === end
}

const isExpected = (reason: unknown): boolean =>
  reason instanceof Error && /the chat is away|the key is away|cancelled/i.test(reason.message)

it('whoever breaks off, nobody gets other bytes than those of the pack, and all memory comes back', async () => {
  const readers = fc.array(READER, { minLength: 1, maxLength: 150 })
  await fc.assert(
    fc.asyncProperty(readers, fc.nat(12), fc.nat(12), async (readers, everyFetch, everyKey) => {
      const disk = new SlowDisk()
      let [fetches, keys] = [0, 0]
      const packs = openedPacks(disk, {
        fetch: () => ++fetches % (everyFetch + 2) === 0,
        identities: () => ++keys % (everyKey + 2) === 0,
      })
      const ended = await Promise.allSettled(readers.map(reader => read(packs, reader)))
      for (const one of ended) if (one.status === 'rejected') expect(one.reason).toSatisfy(isExpected)
      // Whatever happened, the next readers get each pack.
      expect(await openedAll(packs)).toEqual(samples.map(() => true))
      packs.close()
      while (!disk.isIdle) await sleep(1)
      expect(disk.changed).toBe(0)
    }),
    { numRuns: roundsOf(15) },
  )
})

/** Reads each pack whole, one after the other; a failure that was ordered is tried again. */
async function openedAll(packs: OpenedPacks): Promise<boolean[]> {
  const results: boolean[] = []
  for (const sample of samples.keys()) {
    const whole = { sample, from: 0, length: 400_000, pieces: 1_000, beginsAfterMs: 0, pauseMs: 0 }
    for (;;) {
      const result = await read(packs, { ...whole, leavesAfterMs: undefined }).catch((error: unknown) => {
        if (isExpected(error)) return undefined
        throw error
      })
      if (result === undefined) continue
      results.push(result)
      break
    }
  }
  return results
}

it('a system without memory fails the reader, and nobody after it', async () => {
  const packs = openedPacks(new SlowDisk())
  const { pack } = samples[0] as Sample
  const huge = { ...pack, id: randomUUID(), size: Number.MAX_SAFE_INTEGER }
  for (let tries = 0; tries <= AT_ONCE; tries++) {
    const reading = packs.reading(huge, { offset: 0, length: 1 }, NEVER)
    await expect(reading.next()).rejects.toThrow(RangeError)
  }
  const whole = { sample: 0, from: 0, length: 400_000, pieces: 1_000, beginsAfterMs: 0, pauseMs: 0 }
  expect(await read(packs, { ...whole, leavesAfterMs: undefined })).toBe(true)
  packs.close()
})
